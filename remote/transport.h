/*
 * Between remote.c and the transports; nothing outside this room includes it.
 *
 * A transport puts struct remote first in its own struct. remote_submit() calls
 * ops->submit in the caller's thread once there is room; the transport ends each
 * job with remote_finish(), from any thread, exactly once.
 */
#ifndef REMOTE_TRANSPORT_H
#define REMOTE_TRANSPORT_H

#include "remote/remote.h"

#include <pthread.h>
#include <stdatomic.h>

struct probe;

struct remote_ops {
	/* May not fail: a job that cannot be done is finished with its error. */
	void (*submit)(struct remote *r, struct remote_job *job);
	/* End all that is in flight, with ERR_CANCELED, wait for it, free r. */
	void (*close)(struct remote *r);
	/* What only this kind of place has to be asked (probe.c), or NULL. */
	void (*probe)(struct remote *r, struct probe *p);
};

struct remote {
	const struct remote_ops *ops;
	struct remote_traits traits;
	char *name, *url; /* malloc'ed; name may be NULL, url holds no secret */
	char *base;	  /* what the records of transfers have before a key, or NULL */
	struct sink *sink;
	atomic_uint_fast64_t requests;
	pthread_mutex_t lock;
	pthread_cond_t done, room;
	struct remote_job *head, **tail; /* ended, not yet fetched */
	size_t working;			 /* submitted and not ended */
	size_t in_flight;		 /* submitted and not fetched */
	size_t working_max;
};

/* Fill the common part; url is stripped of user and password. */
void remote_init(struct remote *r, const struct remote_ops *ops,
		 const struct remote_options *o);
void remote_release(struct remote *r); /* the common part; for ops->close */

void remote_finish(struct remote *r, struct remote_job *job);
/* Finish with an error already in *e. */
void remote_fail(struct remote *r, struct remote_job *job, const struct err *e);

/* ERR_INVALID unless key is relative, without empty, "." or ".." components. */
int remote_check_key(const char *key, struct err *e) MUST_CHECK;

/* "remote 'name'", or the URL where it has no name; for messages. malloc'ed. */
char *remote_label(const struct remote_options *o);

int local_open(struct remote **out, const struct remote_options *o, const char *path,
	       struct err *e) MUST_CHECK;
int httpr_open(struct remote **out, const struct remote_options *o,
	       struct err *e) MUST_CHECK;
int s3_open(struct remote **out, const struct remote_options *o,
	    struct err *e) MUST_CHECK;

#endif
