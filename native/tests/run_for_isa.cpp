// run_for_isa NAME PROGRAM: become PROGRAM, or end with 77 if this CPU cannot run it.

#include <unistd.h>

#include <cstdio>

#include "dispatch.h"

int main(int, char** arguments) {
  if (!longshort::find_isa(arguments[1])) {
    std::printf("this CPU has no %s\n", arguments[1]);
    return 77;
  }
  execv(arguments[2], arguments + 2);
  std::perror(arguments[2]);
  return 1;
}
