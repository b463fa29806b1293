/*
 * What the benchmark needs beside a shell.
 *
 *	tool gen DIR FILES DIRS MIN MAX SEED   FILES files of MIN to MAX bytes in DIRS
 *	                                       directories, the same for the same SEED
 *	tool big FILE BYTES SEED               one file of random bytes
 *	tool time RESULTS LABEL CMD ARG...     run CMD with its stdout on /dev/null; append
 *	                                       "LABEL WALL CPU RSS_KB STATUS" to RESULTS
 *
 * The exit status of time is that of the command. It stands alone: no code of the
 * program under test.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static _Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static _Noreturn void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(errno));
	exit(1);
}

static uint64_t number(const char *s)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(s, &end, 10);
	if (errno || end == s || *end)
		die("'%s' is no number", s);
	return n;
}

/* splitmix64: any seed is good, and a stream can begin anywhere. */
static uint64_t next_random(uint64_t *s)
{
	uint64_t z = (*s += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void fill(uint64_t *p, size_t words, uint64_t *seed)
{
	for (size_t i = 0; i < words; i++)
		p[i] = next_random(seed);
}

static void write_all(int fd, const void *buf, size_t n, const char *name)
{
	const char *p = buf;

	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0)
			die("%s", name);
		p += w;
		n -= (size_t)w;
	}
}

static void gen(char **arg)
{
	uint64_t files = number(arg[1]), dirs = number(arg[2]);
	uint64_t min = number(arg[3]), max = number(arg[4]), seed = number(arg[5]);
	uint64_t *buf = malloc(max + 8);
	char name[64];
	int top, dirfd = -1;

	if (!buf || dirs == 0 || max < min)
		die("gen");
	if (mkdir(arg[0], 0777) < 0 && errno != EEXIST)
		die("%s", arg[0]);
	top = open(arg[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (top < 0)
		die("%s", arg[0]);
	for (uint64_t i = 0, d = dirs; i < files; i++) {
		size_t n;
		int fd;

		/* Directory by directory, as a copy would make them. */
		if (i * dirs / files != d) {
			d = i * dirs / files;
			snprintf(name, sizeof(name), "d%04llu", (unsigned long long)d);
			if (mkdirat(top, name, 0777) < 0)
				die("%s/%s", arg[0], name);
			if (dirfd >= 0)
				close(dirfd);
			dirfd = openat(top, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		}
		snprintf(name, sizeof(name), "f%07llu.bin", (unsigned long long)i);
		n = (size_t)(min + next_random(&seed) % (max - min + 1));
		fill(buf, n / 8 + 1, &seed);
		fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (fd < 0)
			die("%s", name);
		write_all(fd, buf, n, name);
		if (close(fd) < 0)
			die("%s", name);
	}
	if (dirfd >= 0)
		close(dirfd);
	close(top);
	free(buf);
}

static void big(char **arg)
{
	uint64_t left = number(arg[1]), seed = number(arg[2]);
	static uint64_t buf[1 << 17];
	int fd = open(arg[0], O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0)
		die("%s", arg[0]);
	while (left > 0) {
		size_t n = left < sizeof(buf) ? (size_t)left : sizeof(buf);

		fill(buf, n / 8 + 1 > 1 << 17 ? 1 << 17 : n / 8 + 1, &seed);
		write_all(fd, buf, n, arg[0]);
		left -= n;
	}
	if (close(fd) < 0)
		die("%s", arg[0]);
}

static double seconds(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static int measure(char **arg)
{
	struct timespec a, b;
	struct rusage use;
	int status, rc;
	FILE *out;
	pid_t pid;

	clock_gettime(CLOCK_MONOTONIC, &a);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 1);
		execvp(arg[2], arg + 2);
		fprintf(stderr, "%s: %s\n", arg[2], strerror(errno));
		_exit(127);
	}
	if (wait4(pid, &status, 0, &use) < 0)
		die("wait4");
	clock_gettime(CLOCK_MONOTONIC, &b);
	rc = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	out = fopen(arg[0], "a");
	if (!out)
		die("%s", arg[0]);
	fprintf(out, "%s\t%.6f\t%.6f\t%ld\t%d\n", arg[1],
		(double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9,
		seconds(&use.ru_utime) + seconds(&use.ru_stime), use.ru_maxrss, rc);
	if (fclose(out) != 0)
		die("%s", arg[0]);
	return rc;
}

int main(int argc, char **argv)
{
	if (argc == 8 && strcmp(argv[1], "gen") == 0)
		gen(argv + 2);
	else if (argc == 5 && strcmp(argv[1], "big") == 0)
		big(argv + 2);
	else if (argc > 4 && strcmp(argv[1], "time") == 0)
		return measure(argv + 2);
	else {
		fputs("usage: tool gen|big|time ...\n", stderr);
		return 2;
	}
	return 0;
}
