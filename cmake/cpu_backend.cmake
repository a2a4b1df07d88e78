# The CPU backend. Kernel files (core/cpu/kernels/*.cpp) are compiled once per instruction set, each
# time into another namespace; core/cpu/*.cpp picks one at run time and holds everything else.
file(GLOB cpu_sources CONFIGURE_DEPENDS core/cpu/*.cpp)
add_library(causeway_cpu STATIC ${cpu_sources})
target_link_libraries(causeway_cpu PUBLIC causeway_core PRIVATE DNNL::dnnl)
