#include "store/base/interrupt.h"

#include "store/base/err.h"
#include "store/base/tmpfile.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

static atomic_int asked;

static void on_signal(int sig)
{
	if (atomic_fetch_add(&asked, 1) == 0)
		return;
	tmpfile_unlink_registered();
	signal(sig, SIG_DFL);
	raise(sig);
}

void interrupt_install(void)
{
	struct sigaction sa = {.sa_handler = on_signal};

	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
}

bool interrupt_pending(void)
{
	return atomic_load_explicit(&asked, memory_order_relaxed) > 0;
}

void interrupt_request(void)
{
	atomic_store(&asked, 1);
}

void interrupt_reset(void)
{
	atomic_store(&asked, 0);
}

int interrupt_check(struct err *e)
{
	if (!interrupt_pending())
		return 0;
	return err_set(e, ERR_CANCELED, "interrupted");
}
