/*
 * Where progress goes. Libraries report through it and never print; cmd/ draws.
 * A NULL sink is silent. add and note may come from any thread; begin and end
 * come from the main one.
 */
#ifndef STORE_BASE_SINK_H
#define STORE_BASE_SINK_H

#include <stddef.h>
#include <stdint.h>

struct sink {
	/* A phase starts: its name ("hashing", "uploading"), and what is to come;
	 * a total of 0 is unknown and may be corrected by another begin. */
	void (*begin)(struct sink *s, const char *phase, uint64_t items, uint64_t bytes);
	void (*add)(struct sink *s, uint64_t items, uint64_t bytes);
	/* So many more bytes of a large item are done, which its own add, by the
	 * same thread, will count: what is ticked until then is taken off again. */
	void (*tick)(struct sink *s, uint64_t bytes);
	/* Where the work stands, in a few words: shown behind the counts until other
	 * words come or the phase ends. Main thread. */
	void (*tell)(struct sink *s, const char *text);
	void (*end)(struct sink *s);
	/* A sentence for the person, such as what is waited for or a warning. */
	void (*note)(struct sink *s, const char *text);
	/* Ask the person at the terminal; the answer, a secret, goes into out. 0, or
	 * not 0 where there is nobody to ask. From the main thread. */
	int (*ask)(struct sink *s, const char *question, char *out, size_t size);
};

static inline void sink_begin(struct sink *s, const char *phase, uint64_t items,
			      uint64_t bytes)
{
	if (s && s->begin)
		s->begin(s, phase, items, bytes);
}

static inline void sink_add(struct sink *s, uint64_t items, uint64_t bytes)
{
	if (s && s->add)
		s->add(s, items, bytes);
}

static inline void sink_tick(struct sink *s, uint64_t bytes)
{
	if (s && s->tick)
		s->tick(s, bytes);
}

static inline void sink_tell(struct sink *s, const char *text)
{
	if (s && s->tell)
		s->tell(s, text);
}

static inline void sink_end(struct sink *s)
{
	if (s && s->end)
		s->end(s);
}

static inline void sink_note(struct sink *s, const char *text)
{
	if (s && s->note)
		s->note(s, text);
}

static inline int sink_ask(struct sink *s, const char *question, char *out, size_t size)
{
	return s && s->ask ? s->ask(s, question, out, size) : -1;
}

#endif
