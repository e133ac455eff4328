# Writes a CTest file with one entry per CAF test of EXE. CAF's runner exits 0 when a filter matches
# nothing, hence FAIL_REGULAR_EXPRESSION.
execute_process(COMMAND "${EXE}" -a OUTPUT_VARIABLE suites COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "  - [^\n]+" suites "${suites}")
set(text "")
foreach(s IN LISTS suites)
  string(SUBSTRING "${s}" 4 -1 s)
  execute_process(COMMAND "${EXE}" -A "${s}" OUTPUT_VARIABLE tests COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "  - [^\n]+" tests "${tests}")
  foreach(t IN LISTS tests)
    string(SUBSTRING "${t}" 4 -1 t)
    string(
      APPEND
      text
      "add_test([==[${FLOOR}/${s}: ${t}]==] \"${EXE}\" -n -v 4 -r 50 -s [==[^${s}$]==] -t [==[^${t}$]==])\n"
      "set_tests_properties([==[${FLOOR}/${s}: ${t}]==] PROPERTIES TIMEOUT 60 LABELS unit FAIL_REGULAR_EXPRESSION \"tests:   0\")\n"
    )
  endforeach()
endforeach()
file(WRITE "${OUT}" "${text}")
