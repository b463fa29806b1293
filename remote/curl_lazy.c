/*
 * libcurl, loaded when the first request is made.
 *
 * libcurl brings 30 libraries, which cost every start of the program 5 ms: more
 * than the rest of a `status`. So it is not linked. Here are functions of its
 * names that hand each call on to the library, which curl_global_init() loads;
 * nothing else of it is called before that one.
 */
#include "store/base/alloc.h"
#include "store/base/compiler.h"

#include <assert.h>
#define CURL_DISABLE_DEPRECATION
#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>

/* The type-checking macros of the same names are for callers. */
#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

/* One argument of unknown type is handed on as a pointer, which holds for long,
 * curl_off_t and pointers alike where they are of one size. */
static_assert(sizeof(curl_off_t) == sizeof(void *) && sizeof(long) == sizeof(void *),
	      "libcurl's options do not fit a pointer here: link it instead");

#define FUNCTIONS(F)                                                                     \
	F(curl_easy_cleanup)                                                             \
	F(curl_easy_getinfo)                                                             \
	F(curl_easy_header)                                                              \
	F(curl_easy_init)                                                                \
	F(curl_easy_pause)                                                               \
	F(curl_easy_perform)                                                             \
	F(curl_easy_reset)                                                               \
	F(curl_easy_setopt)                                                              \
	F(curl_easy_strerror)                                                            \
	F(curl_global_init)                                                              \
	F(curl_multi_add_handle)                                                         \
	F(curl_multi_cleanup)                                                            \
	F(curl_multi_info_read)                                                          \
	F(curl_multi_init)                                                               \
	F(curl_multi_remove_handle)                                                      \
	F(curl_multi_setopt)                                                             \
	F(curl_multi_socket_action)                                                      \
	F(curl_multi_socket_all)                                                         \
	F(curl_multi_strerror)                                                           \
	F(curl_slist_append)                                                             \
	F(curl_slist_free_all)                                                           \
	F(curl_version_info)

#define FIELD(name) __typeof__(name) *name;
static struct {
	FUNCTIONS(FIELD)
} fn;

static void load(void)
{
	static void *lib; /* held to the end */

	/* The name of the ABI since 2006; the headers we were built with have it. */
	lib = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);

	if (!lib)
		die("libcurl is needed for this remote: %s", dlerror());
#define FIND(name)                                                                       \
	*(void **)&fn.name = dlsym(lib, #name);                                          \
	if (!fn.name)                                                                    \
		die("this libcurl is too old: it lacks " #name);
	FUNCTIONS(FIND)
}

/* Twice in a program: the engine's start and that of the credentials. */
CURLcode curl_global_init(long flags)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load);
	return fn.curl_global_init(flags);
}

curl_version_info_data *curl_version_info(CURLversion age)
{
	return fn.curl_version_info(age);
}

CURL *curl_easy_init(void)
{
	return fn.curl_easy_init();
}

void curl_easy_cleanup(CURL *easy)
{
	fn.curl_easy_cleanup(easy);
}

CURLcode curl_easy_perform(CURL *easy)
{
	return fn.curl_easy_perform(easy);
}

CURLcode curl_easy_pause(CURL *easy, int what)
{
	return fn.curl_easy_pause(easy, what);
}

void curl_easy_reset(CURL *easy)
{
	fn.curl_easy_reset(easy);
}

CURLcode curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
	va_list ap;
	void *value;

	va_start(ap, option);
	value = va_arg(ap, void *);
	va_end(ap);
	return fn.curl_easy_setopt(easy, option, value);
}

CURLcode curl_easy_getinfo(CURL *easy, CURLINFO info, ...)
{
	va_list ap;
	void *out;

	va_start(ap, info);
	out = va_arg(ap, void *);
	va_end(ap);
	return fn.curl_easy_getinfo(easy, info, out);
}

CURLHcode curl_easy_header(CURL *easy, const char *name, size_t index,
			   unsigned int origin, int request, struct curl_header **out)
{
	return fn.curl_easy_header(easy, name, index, origin, request, out);
}

const char *curl_easy_strerror(CURLcode code)
{
	return fn.curl_easy_strerror(code);
}

CURLM *curl_multi_init(void)
{
	return fn.curl_multi_init();
}

CURLMcode curl_multi_cleanup(CURLM *multi)
{
	return fn.curl_multi_cleanup(multi);
}

CURLMcode curl_multi_add_handle(CURLM *multi, CURL *easy)
{
	return fn.curl_multi_add_handle(multi, easy);
}

CURLMcode curl_multi_remove_handle(CURLM *multi, CURL *easy)
{
	return fn.curl_multi_remove_handle(multi, easy);
}

CURLMsg *curl_multi_info_read(CURLM *multi, int *left)
{
	return fn.curl_multi_info_read(multi, left);
}

CURLMcode curl_multi_setopt(CURLM *multi, CURLMoption option, ...)
{
	va_list ap;
	void *value;

	va_start(ap, option);
	value = va_arg(ap, void *);
	va_end(ap);
	return fn.curl_multi_setopt(multi, option, value);
}

CURLMcode curl_multi_socket_all(CURLM *multi, int *running)
{
	return fn.curl_multi_socket_all(multi, running);
}

CURLMcode curl_multi_socket_action(CURLM *multi, curl_socket_t s, int events,
				   int *running)
{
	return fn.curl_multi_socket_action(multi, s, events, running);
}

const char *curl_multi_strerror(CURLMcode code)
{
	return fn.curl_multi_strerror(code);
}

struct curl_slist *curl_slist_append(struct curl_slist *list, const char *text)
{
	return fn.curl_slist_append(list, text);
}

void curl_slist_free_all(struct curl_slist *list)
{
	fn.curl_slist_free_all(list);
}
