# MOE_HAS_CUDA: whether the GPU backend is built. A missing toolkit is an error only with MOE_CUDA=ON; AUTO
# also leaves it out where nvcc is older than what the backend was tried with, or cuBLAS is not installed.
#
# CMAKE_CUDA_ARCHITECTURES: what the kernels that any GPU runs are compiled for. By default 90, whose PTX the
# drivers of newer GPUs translate, and what this machine's GPUs are. Hopper's own kernels are sm_90a always.
set(MOE_HAS_CUDA OFF)
if(NOT MOE_CUDA STREQUAL "OFF")
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    set(moe_default_architectures OFF)
    if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES AND NOT DEFINED ENV{CUDAARCHS})
      set(moe_default_architectures ON)
      set(CMAKE_CUDA_ARCHITECTURES 90)
    endif()
    enable_language(CUDA)
    if(moe_default_architectures)
      set(native ${CMAKE_CUDA_ARCHITECTURES_NATIVE})  # "86-real", empty without a GPU
      list(FILTER native INCLUDE REGEX "^([89]|1[0-9])[0-9]-")  # older ones have no bfloat16
      list(REMOVE_ITEM native 90-real)
      list(APPEND CMAKE_CUDA_ARCHITECTURES ${native})
    endif()
    find_package(CUDAToolkit REQUIRED)
    if(MOE_CUDA STREQUAL "ON" OR (CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 13.0 AND TARGET CUDA::cublas))
      set(MOE_HAS_CUDA ON)
    else()
      message(STATUS "nvcc ${CMAKE_CUDA_COMPILER_VERSION} is older than 13.0, or cuBLAS is missing; MOE_CUDA=ON tries anyway")
    endif()
  elseif(MOE_CUDA STREQUAL "ON")
    message(FATAL_ERROR "MOE_CUDA=ON, but no CUDA compiler was found; put nvcc on PATH or set MOE_CUDA=OFF")
  endif()
endif()
if(MOE_HAS_CUDA)
  message(STATUS "GPU backend: ON, for sm_90a and ${CMAKE_CUDA_ARCHITECTURES}")
else()
  message(STATUS "GPU backend: OFF")
endif()

# What every target with .cu files needs. -std is given by hand: CMake 3.25 takes it for the default of nvcc 13.
function(moe_cuda_options target)
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20>)
endfunction()
