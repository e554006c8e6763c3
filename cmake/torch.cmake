# MOE_HAS_TORCH: whether the rows in PyTorch itself (src/torch) are built. OFF unless asked for: libtorch is a gigabyte
# that every program would load at its start. AUTO takes a PyTorch that is found and fits; ON insists.
#
# Found by hand: find_package(Torch) sets CUDA flags and languages for the whole project, and fails where
# PyTorch has CUDA and the machine has no nvcc. Looked for in Torch_ROOT, else where python3 finds `torch`.
set(MOE_HAS_TORCH OFF)
set(MOE_TORCH_HAS_CUDA OFF)

# Sets `result` to the folder that holds include/ and lib/, or to nothing.
function(moe_find_torch_root result)
  set(root "${Torch_ROOT}")
  if(NOT root)
    find_program(PYTHON3 python3)
    if(PYTHON3)
      execute_process(COMMAND ${PYTHON3} -c "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])"
                      OUTPUT_VARIABLE root OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    endif()
  endif()
  set(${result} "${root}" PARENT_SCOPE)
endfunction()

# Whether a program links and runs with this PyTorch: its own text type must be this compiler's (the C++ ABI).
function(moe_check_torch_abi root result)
  include(CheckCXXSourceRuns)
  set(CMAKE_REQUIRED_FLAGS -std=c++20)
  set(CMAKE_REQUIRED_INCLUDES ${root}/include)
  set(CMAKE_REQUIRED_LIBRARIES ${root}/lib/libc10.so -Wl,-rpath,${root}/lib)
  check_cxx_source_runs("
    #include <c10/util/Exception.h>
    int main() {
      try { c10::detail::torchCheckFail(\"\", \"\", 0, std::string(\"text\")); }
      catch (const c10::Error&) { return 0; }
      return 1;
    }" MOE_TORCH_ABI_FITS)
  set(${result} ${MOE_TORCH_ABI_FITS} PARENT_SCOPE)
endfunction()

# Sets `result` to why this PyTorch cannot be used; empty when it can.
function(moe_torch_problem root result)
  set(problem "")
  if(NOT EXISTS "${root}/include/ATen/ops/mm_ops.h")
    set(problem "no PyTorch was found; set Torch_ROOT to the folder that holds its include/ and lib/")
  else()
    file(STRINGS ${root}/include/ATen/ops/mm_ops.h mm_dtype REGEX "struct TORCH_API mm_dtype")
    if(NOT mm_dtype OR NOT EXISTS ${root}/include/ATen/ops/_grouped_mm.h)
      set(problem "${root} is too old: it lacks torch._grouped_mm or torch.mm with an output type")
    else()
      moe_check_torch_abi(${root} abi_fits)
      if(NOT abi_fits)
        set(problem "${root} does not link with this compiler (another C++ ABI?)")
      endif()
    endif()
  endif()
  set(${result} "${problem}" PARENT_SCOPE)
endfunction()

# An imported target with PyTorch's libraries; CUDA's only beside our own CUDA backend.
function(moe_add_torch_target root)
  set(names torch_cpu c10)
  if(MOE_TORCH_HAS_CUDA)
    list(APPEND names torch_cuda c10_cuda)
  endif()
  list(TRANSFORM names PREPEND "-l")
  add_library(moe_libtorch INTERFACE)
  target_include_directories(moe_libtorch SYSTEM INTERFACE ${root}/include ${root}/include/torch/csrc/api/include)
  # Kept although nothing names them: libtorch_cuda registers its operators when it is loaded. What they need in turn
  # comes from wheels that are found when a program starts.
  target_link_libraries(moe_libtorch INTERFACE "-Wl,--push-state,--no-as-needed" ${names} "-Wl,--pop-state")
  target_link_options(moe_libtorch INTERFACE -L${root}/lib -Wl,-rpath,${root}/lib -Wl,--allow-shlib-undefined)
endfunction()

if(NOT MOE_TORCH STREQUAL "OFF")
  moe_find_torch_root(torch_root)
  moe_torch_problem("${torch_root}" torch_problem)
  if(torch_problem STREQUAL "")
    set(MOE_HAS_TORCH ON)
    if(MOE_HAS_CUDA AND EXISTS ${torch_root}/lib/libtorch_cuda.so)
      set(MOE_TORCH_HAS_CUDA ON)
    endif()
    moe_add_torch_target(${torch_root})
  elseif(MOE_TORCH STREQUAL "ON")
    message(FATAL_ERROR "MOE_TORCH=ON, but ${torch_problem}")
  else()
    message(STATUS "${torch_problem}")
  endif()
endif()
message(STATUS "Rows in PyTorch: ${MOE_HAS_TORCH}")
