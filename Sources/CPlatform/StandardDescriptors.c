#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

// Runs before main: a shell's `>&-` starts the program without stdout, and the next file that it
// opened would get the free number, and with it all that is printed.
__attribute__((constructor)) static void fill_standard_descriptors(void) {
  for (int descriptor = 0; descriptor <= 2; descriptor++) {
    if (fcntl(descriptor, F_GETFD) != -1 || errno != EBADF) continue;
    // All lower ones are open, so this is the lowest free number.
    int opened = open("/dev/null", O_RDWR);
    if (opened == descriptor || opened < 0) continue;
    dup2(opened, descriptor);
    close(opened);
  }
}

void platform_ignore_broken_pipes(void) { signal(SIGPIPE, SIG_IGN); }
