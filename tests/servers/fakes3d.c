/*
 * fakes3d FILE: the scripted S3 of the unit tests as a server of its own, on a
 * free port of loopback, until it is told to end by a signal. FILE gets a line
 * for the shell: S3_ENDPOINT, S3_ACCESS_KEY, S3_SECRET_KEY. The bucket is "bkt".
 */
#include "tests/lib/fakes3.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct fakes3 *f;
	sigset_t set;
	FILE *out;
	int sig;

	if (argc != 2)
		return 2;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	f = fakes3_start();
	out = fopen(argv[1], "w");
	if (!out)
		return 1;
	fprintf(out,
		"S3_ENDPOINT='http://127.0.0.1:%d'\nS3_ACCESS_KEY='" FAKES3_ACCESS
		"'\nS3_SECRET_KEY='" FAKES3_SECRET "'\n",
		fakes3_port(f));
	if (fclose(out) != 0)
		return 1;
	sigwait(&set, &sig);
	fakes3_stop(f);
	return 0;
}
