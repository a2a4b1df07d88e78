# Flags every target shares. No -march=native: core/cpu chooses instruction sets at run time.
add_library(causeway_flags INTERFACE)
target_include_directories(causeway_flags INTERFACE ${CMAKE_SOURCE_DIR})
# -ffp-contract=off: a*b+c is fused only where the code says so, so bits do not hang on the optimizer.
# -Wno-missing-field-initializers: operations are described by structs with designated initialisers, in
# which an option left out means its default.
target_compile_options(causeway_flags INTERFACE -Wall -Wextra -Wpedantic
                                                -Wno-missing-field-initializers -ffp-contract=off
                                                -fno-omit-frame-pointer)
target_link_libraries(causeway_flags INTERFACE Threads::Threads)
if(CAUSEWAY_WERROR)
  target_compile_options(causeway_flags INTERFACE -Werror)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
target_compile_options(causeway_flags INTERFACE
  $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2 -D_GLIBCXX_ASSERTIONS -fstack-protector-strong>)
target_link_options(causeway_flags INTERFACE $<$<CONFIG:Release>:-Wl,-z,relro,-z,now>)
if(CAUSEWAY_SANITIZE)
  target_compile_options(causeway_flags INTERFACE -fsanitize=${CAUSEWAY_SANITIZE}
                                                  -fno-sanitize-recover=all)
  target_link_options(causeway_flags INTERFACE -fsanitize=${CAUSEWAY_SANITIZE})
endif()
