// SPDX-License-Identifier: Apache-2.0
#include "desktop/screenshot.hpp"

#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include <jpeglib.h>
#include <png.h>
#include <webp/encode.h>

namespace holt::desktop {

namespace {

struct jpeg_failure {
  jpeg_error_mgr base;
  std::jmp_buf back;
};

/// The part between setjmp and longjmp: no object with a destructor lives here.
bool compress(const bgrx_view& pixels, int quality, unsigned char** out, unsigned long* size) {
  jpeg_compress_struct jpeg;
  jpeg_failure failure;
  jpeg.err = jpeg_std_error(&failure.base);
  failure.base.error_exit
    = [](j_common_ptr c) { std::longjmp(reinterpret_cast<jpeg_failure*>(c->err)->back, 1); };
  failure.base.output_message = [](j_common_ptr) {};
  if (setjmp(failure.back) != 0) {
    jpeg_destroy_compress(&jpeg);
    return false;
  }
  jpeg_create_compress(&jpeg);
  jpeg_mem_dest(&jpeg, out, size);
  jpeg.image_width = pixels.width;
  jpeg.image_height = pixels.height;
  jpeg.input_components = 4;
  jpeg.in_color_space = JCS_EXT_BGRX;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, quality, TRUE);
  jpeg.dct_method = JDCT_IFAST;
  jpeg_start_compress(&jpeg, TRUE);
  while (jpeg.next_scanline < jpeg.image_height) {
    auto* row = const_cast<JSAMPROW>(pixels.data + pixels.stride * jpeg.next_scanline);
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  return true;
}

bool write_png(png_structp png, png_infop info, const std::uint8_t* data, unsigned width,
               unsigned height) {
  if (setjmp(png_jmpbuf(png)) != 0)
    return false;
  png_set_IHDR(png, info, width, height, 8, PNG_COLOR_TYPE_RGBA, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_set_compression_level(png, 1);
  png_set_filter(png, 0, PNG_FILTER_SUB);
  png_write_info(png, info);
  for (unsigned y = 0; y < height; ++y)
    png_write_row(png, data + std::size_t{width} * 4 * y);
  png_write_end(png, info);
  return true;
}

} // namespace

result<std::vector<std::uint8_t>> encode_jpeg(const bgrx_view& pixels, int quality) {
  unsigned char* out = nullptr;
  unsigned long size = 0;
  bool good = compress(pixels, std::clamp(quality, 1, 100), &out, &size);
  std::unique_ptr<unsigned char, decltype(&std::free)> owner{out, &std::free};
  if (!good || out == nullptr)
    return error{errc::internal, "JPEG encoding failed"};
  return std::vector<std::uint8_t>(out, out + size);
}

result<std::vector<std::uint8_t>> encode_webp(const bgrx_view& pixels, int quality) {
  WebPConfig how;
  WebPPicture picture;
  if (WebPConfigPreset(&how, WEBP_PRESET_TEXT, static_cast<float>(std::clamp(quality, 1, 100))) == 0
      || WebPPictureInit(&picture) == 0)
    return error{errc::internal, "WebP encoding failed: another version of the library"};
  how.method = 0; // the default takes many times as long for a tenth fewer bytes
  picture.width = static_cast<int>(pixels.width);
  picture.height = static_cast<int>(pixels.height);
  WebPMemoryWriter bytes;
  WebPMemoryWriterInit(&bytes);
  picture.writer = WebPMemoryWrite;
  picture.custom_ptr = &bytes;
  bool sized = pixels.width > 0 && pixels.height > 0 && pixels.width <= WEBP_MAX_DIMENSION
               && pixels.height <= WEBP_MAX_DIMENSION;
  bool good = sized
              && WebPPictureImportBGRX(&picture, pixels.data, static_cast<int>(pixels.stride)) != 0
              && WebPEncode(&how, &picture) != 0;
  WebPPictureFree(&picture);
  std::vector<std::uint8_t> out;
  if (good)
    out.assign(bytes.mem, bytes.mem + bytes.size);
  WebPMemoryWriterClear(&bytes);
  if (!good)
    return error{errc::internal, "WebP encoding failed"};
  return out;
}

result<std::vector<std::uint8_t>> encode_png_rgba(const std::uint8_t* rgba, unsigned width,
                                                  unsigned height) {
  std::vector<std::uint8_t> out;
  auto silent = [](png_structp, png_const_charp) {};
  auto fail = [](png_structp png, png_const_charp) { png_longjmp(png, 1); };
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, fail, silent);
  png_infop info = png != nullptr ? png_create_info_struct(png) : nullptr;
  bool good = false;
  if (info != nullptr) {
    png_set_write_fn(
      png, &out,
      [](png_structp p, png_bytep bytes, png_size_t size) {
        auto* to = static_cast<std::vector<std::uint8_t>*>(png_get_io_ptr(p));
        to->insert(to->end(), bytes, bytes + size);
      },
      [](png_structp) {});
    good = write_png(png, info, rgba, width, height);
  }
  png_destroy_write_struct(&png, &info);
  if (!good)
    return error{errc::internal, "PNG encoding failed"};
  return out;
}

} // namespace holt::desktop
