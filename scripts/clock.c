// A time of day that can be set while a process runs, for fault tests: loaded before the
// process's own libraries (LD_PRELOAD), it adds to the time of day the seconds that the
// file $PARLEY_CLOCK holds, as one signed integer of 8 bytes in the machine's order. Time
// that passes (CLOCK_MONOTONIC and the others) stays as it is, as when somebody sets a
// machine's clock. libfaketime does the same, but Redis as Debian builds it does not start
// with it: its allocator asks for the time before the library is ready. This one
// needs neither memory nor another library's symbols.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *ahead; // seconds; null until the file is there

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("PARLEY_CLOCK");
  int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *page = mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
  close(file);
  if (page != MAP_FAILED) ahead = page;
}

int clock_gettime(clockid_t clock, struct timespec *t) {
  int failed = (int)syscall(SYS_clock_gettime, clock, t);
  if (!failed && ahead && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) t->tv_sec += *ahead;
  return failed;
}

int gettimeofday(struct timeval *restrict t, void *restrict zone) {
  struct timespec now;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
  t->tv_sec = now.tv_sec;
  t->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *t) {
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
  if (t) *t = now.tv_sec;
  return now.tv_sec;
}
