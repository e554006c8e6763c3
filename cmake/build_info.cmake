# Writes build_info.h at build time; only when its content changed, so that nothing is rebuilt in vain.
# Called as: cmake -DSOURCE=... -DOUTPUT=... -DVERSION=... -DCOMPILER=... -DBUILD_TYPE=... -P build_info.cmake
cmake_minimum_required(VERSION 3.25)
find_program(GIT git)
set(commit "")
set(dirty false)
if(GIT)
  execute_process(COMMAND ${GIT} -C ${SOURCE} rev-parse --short=9 HEAD
                  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(failed)
    set(commit "")
  else()
    execute_process(COMMAND ${GIT} -C ${SOURCE} status --porcelain --untracked-files=no
                    OUTPUT_VARIABLE changes ERROR_QUIET)
    if(changes)
      set(dirty true)
    endif()
  endif()
endif()
file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT "// Made by cmake/build_info.cmake.
#pragma once

namespace moe::build_info {
inline constexpr const char* kVersion = \"@VERSION@\";
inline constexpr const char* kCompiler = \"@COMPILER@\";
inline constexpr const char* kBuildType = \"@BUILD_TYPE@\";
inline constexpr const char* kGitCommit = \"@commit@\";
inline constexpr bool kGitDirty = @dirty@;
}  // namespace moe::build_info
")
