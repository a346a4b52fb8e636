#include "CPlatform.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

// The first signal that came. Whatever comes later changes nothing: the process is ending already.
static atomic_int first_signal;

static void on_stop_signal(int signal_number) {
  int none = 0;
  atomic_compare_exchange_strong(&first_signal, &none, signal_number);
}

int platform_catch_stop_signal(int signal_number) {
  // SA_RESTART: reads and writes under way must not fail.
  struct sigaction action = {.sa_handler = on_stop_signal, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  return sigaction(signal_number, &action, NULL);
}

int platform_stop_signal(void) { return atomic_load(&first_signal); }
