# add_causeway_test(folder libraries...): builds tests/<folder>/*_test.cpp into test_<folder>.
function(add_causeway_test folder)
  file(GLOB sources CONFIGURE_DEPENDS ${folder}/*.cpp)
  add_executable(test_${folder} ${sources})
  target_link_libraries(test_${folder} PRIVATE causeway_test_main ${ARGN} Catch2::Catch2)
  add_dependencies(test_${folder} causeway)
  add_test(NAME ${folder} COMMAND test_${folder} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  set_tests_properties(${folder} PROPERTIES TIMEOUT 900)
endfunction()
