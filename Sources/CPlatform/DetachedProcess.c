#define _GNU_SOURCE
#include "CPlatform.h"

#include <fcntl.h>
#include <spawn.h>
#include <stddef.h>
#include <unistd.h>

int platform_start_detached(char *const arguments[]) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // Whoever reads what this process wrote must not wait for the new one.
  for (int descriptor = 0; descriptor <= 2; descriptor++)
    posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // Launchers kill whole process groups.
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  pid_t process;
  int code = posix_spawn(&process, arguments[0], &actions, &attributes, arguments, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return code;
}
