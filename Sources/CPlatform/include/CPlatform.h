// The few things about the process and the processor that Swift cannot ask by itself.
#ifndef DISTTRAIN_CPLATFORM_H
#define DISTTRAIN_CPLATFORM_H

/// 1 when processor and operating system run x86-64-v4 code (AVX-512 F, BW, CD, DQ, VL).
int platform_has_avx512(void);

/// Makes stdout line-buffered: under srun it is a pipe and would be block-buffered.
void platform_line_buffer_stdout(void);

/// From here on a write to a pipe that nobody reads fails with EPIPE and does not end the process.
/// Programs that are started inherit it.
void platform_ignore_broken_pipes(void);

/// Denormals become zero in this thread: they would slow decaying scan states a hundredfold.
void platform_flush_denormals(void);

/// How this thread computes (rounding, denormals), to be set in another.
unsigned platform_arithmetic_mode(void);
void platform_set_arithmetic_mode(unsigned mode);

/// Makes malloc keep what is freed: a training step frees and allocates the same hundreds of
/// megabytes again, and the kernel would have to clear every page of them anew. 1 if it obeys.
int platform_keep_freed_memory(void);

/// Asks for large pages around [start, start + bytes) if that is large: activations are hundreds of
/// megabytes, and with small pages each 4 KiB of them costs a walk through the page tables.
void platform_prefer_large_pages(void *start, unsigned long bytes);

/// Gives freed memory back once, so that the resident size says what is in use.
void platform_return_freed_memory(void);

/// Bytes that malloc has handed out and not got back.
unsigned long platform_allocated_bytes(void);

/// A new file of `count` bytes in memory, with `name` for lists of open files, and nowhere in a
/// folder: it is gone with the last process that has it open. Its descriptor; -1 on failure.
int platform_memory_file(const char *name, unsigned long count);

/// Lets nobody write, shorten or lengthen a memory file any more, so that mapped pages of it stay.
/// 0 on success.
int platform_seal_memory_file(int descriptor);

/// CRC-32C of `count` bytes, continuing from `crc`, which is 0 at the start.
unsigned platform_crc32c(unsigned crc, const void *bytes, unsigned long count);

/// The first place of the `count` bytes at `text` in the `length` bytes at `bytes`; NULL if they
/// are not among them.
const void *platform_find(
    const void *bytes, unsigned long length, const void *text, unsigned long count);

/// Asks that this thread, which works for microseconds and sleeps in between, gets the core as soon
/// as it wakes, even where another one computes. No privilege is needed; only advice.
void platform_wake_promptly(void);

/// Calls `end` with 128 + signal when a trap, an abort or a memory fault ends this process; `end`
/// ends the other processes of the job. Before that the handlers that were there at the first call
/// (Swift's backtrace) print what they know. If `end` hangs, an alarm ends the process after 5 s.
/// A library may replace handlers: a second call puts this one back. Call it from the main thread.
void platform_on_fatal_signal(void (*end)(int code));

/// From here on `signal_number` does nothing but set a flag. 0 on success.
int platform_catch_stop_signal(int signal_number);

/// The first of the signals caught in that way that has come; 0 if none has.
int platform_stop_signal(void);

/// From here on these signals are noted in order, for `platform_next_signal`, and do nothing else.
/// Signals that this process ignores already stay ignored. 0 on success. Call it once.
int platform_watch_signals(const int *signals, int count);

/// The next signal that was noted; 0 if none came in time, or if the wait was interrupted. -1
/// milliseconds: however long it takes.
int platform_next_signal(int milliseconds);

/// Starts the program at `path` as a child in a process group of its own, so that what is sent to
/// the group of this process (Ctrl-C) does not reach it, with the signals as they were before
/// `platform_watch_signals`. It gets SIGTERM when this process ends, however that happens: call it
/// from the main thread. Its number, or -1 with errno. Status 127 if it cannot be executed.
int platform_start_tied(const char *path, char *const arguments[]);

/// Starts a program, `arguments[0]`, that outlives this process and its group and holds none of its
/// files; the list ends with NULL. 0 on success.
int platform_start_detached(char *const arguments[]);

#endif
