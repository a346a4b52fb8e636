#include "CPlatform.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

// A Swift trap is SIGILL or SIGTRAP on x86-64; the rest are the usual ways to die.
static const int fatal_signals[] = {SIGILL, SIGTRAP, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGSYS};
enum { fatal_count = sizeof fatal_signals / sizeof *fatal_signals };

static struct sigaction previous[fatal_count];
static void (*end_job)(int code);
static volatile sig_atomic_t exit_code = 1;
static atomic_flag entered = ATOMIC_FLAG_INIT;

// A stack overflow leaves no room on the thread's own stack.
static _Alignas(64) char handler_stack[256 * 1024];

static void give_up(int signal_number) {
  (void)signal_number;
  _exit(exit_code);
}

// However the next `seconds` go, the process ends: the trap may have happened inside MPI, with a
// lock held that MPI_Abort needs. An exit without MPI_Finalize also ends the job.
static void limit_time(unsigned seconds) {
  struct sigaction action = {.sa_handler = give_up};
  sigaction(SIGALRM, &action, NULL);
  sigset_t alarm_only;
  sigemptyset(&alarm_only);
  sigaddset(&alarm_only, SIGALRM);
  pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);
  alarm(seconds);
}

static void run_previous(int signal_number, siginfo_t *info, void *context) {
  for (int i = 0; i < fatal_count; i++) {
    if (fatal_signals[i] != signal_number) continue;
    if (previous[i].sa_flags & SA_SIGINFO) {
      if (previous[i].sa_sigaction) previous[i].sa_sigaction(signal_number, info, context);
    } else if (previous[i].sa_handler != SIG_DFL && previous[i].sa_handler != SIG_IGN) {
      previous[i].sa_handler(signal_number);
    }
  }
}

static void on_fatal_signal(int signal_number, siginfo_t *info, void *context) {
  // Another thread is already ending the job: this one must not end the process before that.
  while (atomic_flag_test_and_set(&entered)) pause();
  exit_code = 128 + signal_number;
  // Swift's own handler, installed when the program started, prints the backtrace and returns.
  limit_time(20);
  run_previous(signal_number, info, context);
  // Not async-signal-safe by the letter; the process is lost anyway, and the alarm is behind it.
  limit_time(5);
  end_job(exit_code);
  _exit(exit_code);
}

void platform_on_fatal_signal(void (*end)(int code)) {
  static int is_recorded;
  end_job = end;
  stack_t stack = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
  sigaltstack(&stack, NULL);
  for (int i = 0; i < fatal_count; i++) {
    if (!is_recorded) sigaction(fatal_signals[i], NULL, &previous[i]);
    // SA_NODEFER: Swift's backtrace reads memory that may not be there, and catches the fault.
    struct sigaction action = {.sa_sigaction = on_fatal_signal,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    sigaction(fatal_signals[i], &action, NULL);
  }
  is_recorded = 1;
}
