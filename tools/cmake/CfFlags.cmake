# cf_flags: the one set of compiler flags. C gets all warnings, the C++ shims the subset that C++ knows; warnings are errors.
set(CF_SANITIZE "" CACHE STRING "comma-separated sanitizers, empty for none")
option(CF_FUZZ "build the libFuzzer targets (needs clang)" OFF)
option(CF_HARDEN "hardened release build" OFF)

# Assertions stay on in release builds: they guard our own bugs, and a worker that stops is restarted.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g")

set(warnings -Wall -Wextra -Wpedantic -Wshadow -Wundef -Wvla -Wformat=2 -Wpointer-arith -Wwrite-strings -Wcast-qual
    -Wswitch-enum -Wconversion -Wnull-dereference -Wimplicit-fallthrough -Werror)
add_library(cf_flags INTERFACE)
target_compile_options(cf_flags INTERFACE ${warnings} -fno-common -fno-omit-frame-pointer -fvisibility=hidden
    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes -Wmissing-prototypes>
    $<$<AND:$<C_COMPILER_ID:GNU>,$<COMPILE_LANGUAGE:C>>:-Wduplicated-cond -Wlogical-op>)
target_compile_definitions(cf_flags INTERFACE _GNU_SOURCE)
if(CF_SANITIZE)
  target_compile_options(cf_flags INTERFACE -fsanitize=${CF_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(cf_flags INTERFACE -fsanitize=${CF_SANITIZE})
endif()
if(CF_FUZZ)
  target_compile_options(cf_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(CF_HARDEN)
  target_compile_options(cf_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong
      -fstack-clash-protection -fcf-protection=full -ftrivial-auto-var-init=zero -fPIE)
  target_link_options(cf_flags INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
