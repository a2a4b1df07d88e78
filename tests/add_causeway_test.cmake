# add_causeway_test(folder libraries...): builds tests/<folder>/*_test.cpp into test_<folder>. Cases
# tagged [.long] are a test of their own, <folder>_long, which scripts/test --long runs.
function(add_causeway_test folder)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  add_executable(test_${folder} ${sources})
  target_link_libraries(test_${folder} PRIVATE causeway_test_main ${ARGN} Catch2::Catch2)
  add_dependencies(test_${folder} causeway)
  add_test(NAME ${folder} COMMAND test_${folder} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${folder} PROPERTIES TIMEOUT 900)
  foreach(source ${sources})
    file(STRINGS ${source} long_case REGEX "\\[\\.long\\]" LIMIT_COUNT 1)
    if(long_case AND NOT TEST ${folder}_long)
      add_test(NAME ${folder}_long COMMAND test_${folder} [long]
               WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
      set_tests_properties(${folder}_long PROPERTIES TIMEOUT 7200 LABELS long)
    endif()
  endforeach()
endfunction()
