// SPDX-License-Identifier: Apache-2.0
#include "app/command_line_sandbox.hpp"

#include "app/sandbox_verbs.hpp"
#include "app/verb_token.hpp"

namespace holt {

namespace {

constexpr char mark = '\x01';

using run_verb = int (*)(const command_line&);

CLI::App* add_verb(CLI::App& app, command_line& line, run_verb run, const char* name,
                   const char* help, const char* example) {
  auto* sub = app.add_subcommand(name, help);
  sub->callback([&line, run] { line.run = run; });
  sub->footer(std::string{"Example:\n  "} + example);
  sub->add_flag("--json", line.json, "as JSON");
  add_daemon_options(*sub, line);
  return sub;
}

std::vector<std::string> unmarked(std::vector<std::string> all) {
  for (auto& one : all)
    if (!one.empty() && one.front() == mark)
      one.erase(0, 1);
  return all;
}

void add_list(CLI::App& sub, const char* name, std::vector<std::string>& into, const char* help) {
  sub
    .add_option_function<std::vector<std::string>>(
      name, [&into](const std::vector<std::string>& all) { into = unmarked(all); }, help)
    ->expected(1, 1 << 20)
    ->take_all();
}

void add_token_verbs(CLI::App& app, command_line& line) {
  auto* token = app.add_subcommand("token", "Make, list and revoke tokens");
  token->require_subcommand(1);
  auto& wish = token_wish();
  auto* create = add_verb(*token, line, verb_token_create, "create", "Make a token; it is printed",
                          "holt token create --scopes fs,exec --expires 24h --name ci");
  create->add_option("--scopes", wish.scopes, "of view, input, fs, exec, admin; commas between")
    ->required();
  create->add_option("--expires", wish.expires, "as 90s, 15m, 24h or 30d; else it has no end");
  create->add_option("--name", wish.name, "to find it by");
  add_verb(*token, line, verb_token_list, "list", "List them", "holt token list --json");
  auto* revoke
    = add_verb(*token, line, verb_token_revoke, "revoke", "Revoke one", "holt token revoke ci");
  revoke->add_option("TOKEN", wish.name, "its name or its id")->required();
}

void add_desktop_verbs(CLI::App& app, command_line& line) {
  auto& to = line.sandbox;
  auto* shot = add_verb(app, line, verb_screenshot, "screenshot", "Take a picture of the desktop",
                        "holt screenshot screen.png\n"
                        "  holt screenshot --region 0,0,400,300 --format jpeg - | feh -");
  shot->add_option("FILE", to.file, "where to; - or nothing: stdout");
  shot->add_option("--format", to.format, "png, jpeg or webp; else by the file's name")
    ->check(CLI::IsMember({"png", "jpeg", "jpg", "webp"}));
  auto* region = shot->add_option("--region", to.region, "X,Y,WIDTH,HEIGHT of the screen");
  shot->add_option("--window", to.window, "one window, by its number in `holt windows`")
    ->excludes(region);
  shot->add_option("--scale", to.scale, "0.1 to 1");
  shot->add_option("--quality", to.quality, "of jpeg and webp, 1 to 100");
  shot->add_option("--settle", to.settle_ms, "wait until the screen was quiet for so many ms");
  shot->add_flag("--cursor", to.with_cursor, "with the pointer");

  auto* click = add_verb(app, line, verb_click, "click", "Click on the desktop",
                         "holt click 200 150 --button right\n"
                         "  holt click 200 150 --count 2 --modifiers ctrl,shift");
  click->add_option("X", to.x, "pixels from the left")->required();
  click->add_option("Y", to.y, "pixels from the top")->required();
  click->add_option("--button", to.button, "left, middle, right, back or forward");
  click->add_option("--count", to.count, "2: a double click");
  click->add_option("--modifiers", to.modifiers, "keys held meanwhile: ctrl,shift,alt,cmd");
  click->add_flag("--effect", to.effect, "wait, and tell whether the screen changed");

  auto* type = add_verb(app, line, verb_type, "type", "Type text on the desktop",
                        "holt type 'Grüße 你好'\n  holt type - < text.txt");
  type->add_option("TEXT", to.text, "- is stdin; -- before a text that begins with a dash")
    ->required();
  type->add_option("--delay", to.delay_ms, "milliseconds between two characters");
  auto* paste = type->add_flag_callback(
    "--paste", [&to] { to.selection = "clipboard"; },
    "by way of the clipboard, which is as before afterwards");
  type->add_option("--paste-key", to.button, "with --paste: by which the program pastes; ctrl+v")
    ->needs(paste);

  auto* press = add_verb(app, line, verb_press, "press", "Press a key or a combination",
                         "holt press ctrl+s\n  holt press Return");
  press->add_option("KEY", to.text, "a name, or names joined with +")->required();

  add_verb(app, line, verb_windows, "windows", "List the windows of the desktop",
           "holt windows\n  holt windows --json | jq '.windows[].title'");

  auto* tree = add_verb(app, line, verb_tree, "tree",
                        "Show what is on the desktop as structure: the accessibility tree",
                        "holt tree --app mousepad\n  holt tree --role button --name save --json");
  tree->add_option("--app", to.program, "one program, by its name");
  tree->add_option("--window", to.window, "one window, by its number in `holt windows`");
  tree->add_option("--role", to.role, "find what has this role");
  tree->add_option("--name", to.node_name, "find what has this in its name");
  tree->add_option("--depth", to.depth, "at most so deep")->check(CLI::Range(0, 64));
  tree->add_flag("--hidden", to.hidden, "also what is not on the screen");

  auto* clipboard = app.add_subcommand("clipboard", "Read or write the desktop's clipboard");
  clipboard->require_subcommand(1);
  auto* get
    = add_verb(*clipboard, line, verb_clipboard_get, "get", "Print its text, or a form of it",
               "holt clipboard get > text.txt\n  holt clipboard get --image shot.png\n  "
               "holt clipboard get --types");
  // What was copied is of one format, into one file.
  get->add_option("--selection", to.selection, "clipboard or primary");
  auto* form = get->add_option("--type", to.format, "text, html, image, uris or a media type");
  auto* html = get->add_flag_callback(
    "--html", [&to] { to.format = "html"; }, "its HTML");
  auto* types = get->add_flag_callback(
    "--types", [&to] { to.format = "types"; }, "list what forms there are");
  auto* file = get->add_option("--file", to.file, "into this file instead of stdout");
  auto* image = get->add_option_function<std::string>(
    "--image",
    [&to](const std::string& path) {
      to.format = "image";
      to.file = path;
    },
    "its picture, into this file; - is stdout");
  image->excludes(form)->excludes(html)->excludes(types)->excludes(file);
  html->excludes(form)->excludes(types);
  types->excludes(form)->excludes(file);
  auto* set
    = add_verb(*clipboard, line, verb_clipboard_set, "set", "Copy a text, HTML, a picture",
               "holt clipboard set 'some text'\n  holt clipboard set - < text.txt\n  "
               "holt clipboard set --html page.html\n  holt clipboard set --image shot.png");
  // Each form from where it is: the text itself or a file, HTML and a picture from files.
  auto* text = set->add_option("TEXT", to.paths, "- is stdin")->expected(1);
  set->add_option("--file", to.file, "what this file holds instead; - is stdin")->excludes(text);
  set->add_option("--type", to.format, "of TEXT or --file: text, html, image, uris");
  set->add_option("--html", to.from, "HTML of this file; its text goes beside it");
  set->add_option("--image", to.to, "picture of this file");
  set->add_option("--selection", to.selection, "clipboard, primary or both");
}

void add_process_verbs(CLI::App& app, command_line& line) {
  auto& to = line.sandbox;
  auto* exec = add_verb(
    app, line, verb_exec, "exec", "Run a program in the sandbox, with our stdin and its output",
    "holt exec -- ls -l\n  tar c . | holt exec --cwd src -- tar x\n  holt exec -t bash");
  exec->positionals_at_end();
  exec->add_option("--cwd", to.cwd, "folder of the sandbox; else its workspace");
  exec
    ->add_option_function<std::vector<std::string>>(
      "-e,--env", [&to](const std::vector<std::string>& all) { to.env = unmarked(all); },
      "NAME=VALUE, or NAME for ours; may be given more than once")
    ->expected(1)
    ->allow_extra_args(false)
    ->take_all();
  exec->add_option("--timeout", to.timeout_s, "seconds; then all of it is killed, exit code 124");
  auto* tty = exec->add_flag("-t,--tty", to.tty, "in a terminal of its own");
  auto* detach = exec->add_flag("-d,--detach", to.detach,
                                "leave it running; print its id for logs and attach");
  exec->add_flag("-n,--no-stdin", to.no_stdin, "its stdin is empty")->excludes(tty);
  exec->add_option("--detach-keys", to.detach_keys, "with -t; ctrl-p,ctrl-q")->excludes(detach);
  add_list(*exec, "CMD", to.command, "the program and its arguments");

  auto* ps = add_verb(app, line, verb_ps, "ps", "List processes of the sandbox",
                      "holt ps --all\n  holt ps --json | jq -r '.processes[].id'");
  ps->add_flag("-a,--all", to.all, "ended ones, too");

  auto* logs = add_verb(app, line, verb_logs, "logs", "Print what a process printed",
                        "holt logs -f proc_3\n  holt logs --tail 20 --since 5m proc_3");
  logs->add_option("ID", to.process, "as `holt ps` shows it")->required();
  logs->add_flag("-f,--follow", to.follow, "go on until it ends");
  logs->add_option("--tail", to.tail, "only the last lines");
  logs->add_option("--since", to.since, "how long ago (90s, 5m, 2h), or after a sequence number");

  auto* attach = add_verb(app, line, verb_attach, "attach", "Join the terminal of a process",
                          "holt attach proc_3        (ctrl-p ctrl-q leaves it running)");
  attach->add_option("ID", to.process, "as `holt ps` shows it")->required();
  attach->add_option("--detach-keys", to.detach_keys, "ctrl-p,ctrl-q; empty: none");
  attach->add_flag("--no-replay", to.no_replay, "nothing of what was printed before");
}

void add_file_verbs(CLI::App& app, command_line& line) {
  auto& to = line.sandbox;
  auto* cp = add_verb(app, line, verb_cp, "cp",
                      "Copy files and folders into the sandbox, out of it, or within it",
                      "holt cp report.pdf sbx:/workspace/\n  holt cp sbx:results ./results\n"
                      "  holt cp - sbx:notes.txt < notes.txt");
  cp->add_option("SRC", to.from, "sbx:PATH is in the sandbox; - is stdin")->required();
  cp->add_option("DST", to.to, "the same; - is stdout (a folder comes as a tar)")->required();

  auto* cat = add_verb(app, line, verb_cat, "cat", "Print files of the sandbox",
                       "holt cat notes.txt\n  holt cat sbx:/var/log/app.log | tail");
  cat->add_option("PATH", to.paths, "in the sandbox, with or without sbx:")->required();

  auto* ls = add_verb(app, line, verb_ls, "ls", "List a folder of the sandbox",
                      "holt ls -l src\n  holt ls -R --json | jq '.[].path'");
  ls->add_option("PATH", to.from, "in the sandbox, with or without sbx:; else the workspace");
  ls->add_flag("-l,--long", to.longer, "with mode, size and time");
  ls->add_flag("-R,--recursive", to.recursive, "with all that is below");
}

void add_record_verbs(CLI::App& app, command_line& line) {
  auto& to = line.sandbox;
  auto* record = app.add_subcommand("record", "Film the desktop");
  record->require_subcommand(1);
  record->footer("Example:\n  id=$(holt record start --fps 15); sleep 10; holt record stop\n"
                 "  holt record get $id film.mp4");
  auto* start = add_verb(*record, line, verb_record_start, "start", "Begin; prints its id",
                         "holt record start --fps 15");
  start->add_option("--fps", to.fps, "pictures a second, 1 to 60")->check(CLI::Range(1, 60));
  add_verb(*record, line, verb_record_stop, "stop", "End what is recorded", "holt record stop");
  add_verb(*record, line, verb_record_list, "list", "All that there are", "holt record list");
  auto* get = add_verb(*record, line, verb_record_get, "get", "Fetch one as MP4",
                       "holt record get rec_1 film.mp4");
  get->add_option("ID", to.recording, "as `holt record list` shows it")->required();
  get->add_option("FILE", to.file, "else ID.mp4; - is stdout");
  auto* gone = add_verb(*record, line, verb_record_delete, "delete", "Remove one",
                        "holt record delete rec_1");
  gone->add_option("ID", to.recording, "as `holt record list` shows it")->required();
}

} // namespace

std::vector<std::string> marked_arguments(int argc, const char* const* argv) {
  std::vector<std::string> out;
  const bool exec = argc > 1 && argv[1] == std::string_view{"exec"};
  for (int i = argc - 1; i > 0; --i) { // CLI11 wants the last first
    std::string one = argv[i];
    if (exec && one.size() > 1 && one.front() == '[' && one.back() == ']')
      one.insert(one.begin(), mark);
    out.push_back(std::move(one));
  }
  return out;
}

void add_sandbox_verbs(CLI::App& app, command_line& line) {
  add_token_verbs(app, line);
  add_desktop_verbs(app, line);
  add_process_verbs(app, line);
  add_file_verbs(app, line);
  add_record_verbs(app, line);
}

} // namespace holt
