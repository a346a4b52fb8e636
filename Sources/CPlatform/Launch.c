#define _GNU_SOURCE
#include "CPlatform.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

static int signal_pipe[2] = {-1, -1};
static sigset_t watched;

static void on_watched_signal(int signal_number) {
  int code = errno;
  unsigned char byte = (unsigned char)signal_number;
  // A full pipe holds thousands of signals that nobody has looked at: one more says nothing new.
  ssize_t ignored = write(signal_pipe[1], &byte, 1);
  (void)ignored;
  errno = code;
}

int platform_watch_signals(const int *signals, int count) {
  if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0) return -1;
  sigemptyset(&watched);
  for (int i = 0; i < count; i++) {
    struct sigaction old;
    if (sigaction(signals[i], NULL, &old) != 0) return -1;
    // Signals that nohup or a shell's `&` has made this process ignore stay ignored.
    if (old.sa_handler == SIG_IGN && signals[i] != SIGCHLD) continue;
    struct sigaction action = {.sa_handler = on_watched_signal,
                               .sa_flags = SA_RESTART | SA_NOCLDSTOP};
    sigemptyset(&action.sa_mask);
    if (sigaction(signals[i], &action, NULL) != 0) return -1;
    sigaddset(&watched, signals[i]);
  }
  return 0;
}

int platform_next_signal(int milliseconds) {
  struct pollfd entry = {.fd = signal_pipe[0], .events = POLLIN};
  unsigned char byte;
  if (poll(&entry, 1, milliseconds) <= 0) return 0;
  return read(signal_pipe[0], &byte, 1) == 1 ? byte : 0;
}

int platform_start_tied(const char *path, char *const arguments[]) {
  sigset_t all, mask;
  sigfillset(&all);
  // Until it is the new program, the child would tell its signals to this process.
  pthread_sigmask(SIG_BLOCK, &all, &mask);
  pid_t parent = getpid();
  pid_t child = fork();
  if (child == 0) {
    for (int number = 1; number < NSIG; number++)
      if (sigismember(&watched, number) == 1) signal(number, SIG_DFL);
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    // It may have died before that.
    if (getppid() != parent) _exit(128 + SIGTERM);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv(path, arguments);
    _exit(127);
  }
  if (child > 0) setpgid(child, child);
  pthread_sigmask(SIG_SETMASK, &mask, NULL);
  return child;
}
