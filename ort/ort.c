#ifndef _GNU_SOURCE
#define _GNU_SOURCE  // RTLD_DEFAULT
#endif

#include "include/ort.h"

#include <dlfcn.h>
#include <limits.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

#define TABLE_VERSION 8
#define MOST_FOLDED "67108864"  // bytes that a program may compute of constants when it is opened
#define ERRORS_ONLY 3
#define ARENA_ALLOCATOR 1
#define AS_REQUESTED 1  // how an arena grows; by default it doubles
#define DEFAULT_MEMORY 0
#define MOST_TENSORS 64

// Places of functions in the table; see onnxruntime_c_api.h of any release.
enum {
    GET_ERROR_MESSAGE = 2,
    CREATE_ENV = 3,
    DISABLE_TELEMETRY_EVENTS = 6,
    CREATE_SESSION_FROM_ARRAY = 8,
    RUN = 9,
    CREATE_SESSION_OPTIONS = 10,
    DISABLE_MEM_PATTERN = 17,
    SET_LOG_SEVERITY_LEVEL = 22,
    SET_INTRA_OP_NUM_THREADS = 24,
    SESSION_GET_INPUT_COUNT = 30,
    SESSION_GET_OUTPUT_COUNT = 31,
    SESSION_GET_INPUT_TYPE_INFO = 33,
    SESSION_GET_OUTPUT_TYPE_INFO = 34,
    SESSION_GET_INPUT_NAME = 36,
    SESSION_GET_OUTPUT_NAME = 37,
    CREATE_TENSOR_WITH_DATA = 49,
    GET_TENSOR_MUTABLE_DATA = 51,
    CAST_TYPE_INFO_TO_TENSOR_INFO = 55,
    GET_TENSOR_ELEMENT_TYPE = 60,
    GET_DIMENSIONS_COUNT = 61,
    GET_DIMENSIONS = 62,
    GET_TENSOR_TYPE_AND_SHAPE = 65,
    CREATE_CPU_MEMORY_INFO = 69,
    ALLOCATOR_FREE = 76,
    GET_ALLOCATOR_WITH_DEFAULT_OPTIONS = 78,
    RELEASE_STATUS = 93,
    RELEASE_SESSION = 95,
    RELEASE_VALUE = 96,
    RELEASE_TYPE_INFO = 98,
    RELEASE_TENSOR_INFO = 99,
    RELEASE_SESSION_OPTIONS = 100,
    ADD_SESSION_CONFIG_ENTRY = 130,
    CREATE_AND_REGISTER_ALLOCATOR = 144,
    CREATE_ARENA_CFG = 156,
    RELEASE_ARENA_CFG = 157,
};

typedef void (*function)(void);
typedef struct {
    const function *(*get_table)(uint32_t version);
    const char *(*version)(void);
} api_base;

struct ort_session {
    void *session;
    size_t input_count, output_count;
    ort_port *ports;  // inputs, then outputs
};

static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;
static const void *(*given_base)(void);
// All of these are written once, while `opening` is held, before any session is there.
static const function *table;
static const char *version;
static void *environment, *memory_info, *allocator;

// A function of the table, whose status is NULL where all went well; and one that gives nothing.
#define CALL(place, types, ...) (((void *(*)types)table[place])(__VA_ARGS__))
#define RELEASE(place, object) (((void (*)(void *))table[place])(object))

__attribute__((format(printf, 1, 2))) static char *message(const char *format, ...) {
    char *line = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&line, format, arguments);
    va_end(arguments);
    return length < 0 ? strdup("out of memory") : line;
}

// A status as a message of one line, or NULL for NULL.
static char *failure(void *status) {
    if (status == NULL) return NULL;
    char *line = strdup(((const char *(*)(const void *))table[GET_ERROR_MESSAGE])(status));
    RELEASE(RELEASE_STATUS, status);
    if (line == NULL) return message("out of memory");
    line[strcspn(line, "\r\n")] = '\0';
    for (char *c = line; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) *c = '?';
    }
    return line;
}

static int executable_folder(char *path, size_t size) {
#ifdef __APPLE__
    uint32_t room = (uint32_t)size;
    if (_NSGetExecutablePath(path, &room) != 0) return 0;
#else
    ssize_t length = readlink("/proc/self/exe", path, size - 1);
    if (length <= 0) return 0;
    path[length] = '\0';
#endif
    char *end = strrchr(path, '/');
    if (end == NULL) return 0;
    *end = '\0';
    return 1;
}

static char *find_base(const char *path, const api_base **base) {
    const void *(*get_base)(void) = given_base;
    if (get_base == NULL) *(void **)&get_base = dlsym(RTLD_DEFAULT, "OrtGetApiBase");
    if (get_base == NULL) {
        const char *source = "given";
        if (path == NULL || *path == '\0') {
            path = getenv("ONNXRUNTIME_SHARED_LIBRARY_PATH");
            source = "given by ONNXRUNTIME_SHARED_LIBRARY_PATH";
        }
        void *library = NULL;
        if (path != NULL && *path != '\0') {
            library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
            if (library == NULL) {
                const char *reason = dlerror();
                return message("%s: not a library that can be opened (%s); the path of ONNX Runtime's library was %s",
                               path, reason ? reason : "unknown", source);
            }
        } else {
            static const char *const names[] = {
#ifdef __APPLE__
                "libonnxruntime.dylib", "libonnxruntime.1.dylib",
#else
                "libonnxruntime.so.1", "libonnxruntime.so",
#endif
            };
            char folder[PATH_MAX], beside[PATH_MAX + 64];
            int known = executable_folder(folder, sizeof folder);
            for (size_t i = 0; known && library == NULL && i < sizeof names / sizeof *names; i++) {
                snprintf(beside, sizeof beside, "%s/%s", folder, names[i]);
                library = dlopen(beside, RTLD_NOW | RTLD_LOCAL);
            }
            for (size_t i = 0; library == NULL && i < sizeof names / sizeof *names; i++) {
                library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
            }
            if (library == NULL) {
                return message("ONNX Runtime's library (%s) is neither beside the program nor where the system looks; "
                               "give its path, or set ONNXRUNTIME_SHARED_LIBRARY_PATH",
                               names[0]);
            }
            path = names[0];
        }
        *(void **)&get_base = dlsym(library, "OrtGetApiBase");
        if (get_base == NULL) {
            dlclose(library);
            return message("%s: not ONNX Runtime's library; it has no OrtGetApiBase", path);
        }
    }
    *base = get_base();
    return *base == NULL ? message("ONNX Runtime's OrtGetApiBase gave nothing") : NULL;
}

// One arena for all sessions, which grows by what is needed, takes half of what an arena for each takes: programs that run
// one after the other use the same memory. Where the app's environment has one already, that one serves.
static char *share_arena(void *created) {
    void *config = NULL;
    char *error = failure(
        CALL(CREATE_ARENA_CFG, (size_t, int, int, int, void **), 0, AS_REQUESTED, -1, -1, &config));
    if (error != NULL) return error;
    free(failure(CALL(CREATE_AND_REGISTER_ALLOCATOR, (void *, const void *, const void *), created, memory_info, config)));
    RELEASE(RELEASE_ARENA_CFG, config);
    return NULL;
}

static char *open_once(const char *path) {
    const api_base *base = NULL;
    setenv("ORT_DISABLE_TELEMETRY", "1", 0);  // read when the library is loaded and when the environment is made
    char *error = find_base(path, &base);
    if (error != NULL) return error;
    table = base->get_table(TABLE_VERSION);
    if (table == NULL) {
        return message("ONNX Runtime %s does not have version %d of its C API; take release 1.8 or newer",
                       base->version(), TABLE_VERSION);
    }
    void *created = NULL;
    error = failure(CALL(CREATE_ENV, (int, const char *, void **), ERRORS_ONLY, "framegen", &created));
    if (error == NULL) error = failure(CALL(DISABLE_TELEMETRY_EVENTS, (const void *), created));
    if (error == NULL) {
        error = failure(CALL(CREATE_CPU_MEMORY_INFO, (int, int, void **), ARENA_ALLOCATOR, DEFAULT_MEMORY, &memory_info));
    }
    if (error == NULL) error = failure(CALL(GET_ALLOCATOR_WITH_DEFAULT_OPTIONS, (void **), &allocator));
    if (error == NULL) error = share_arena(created);
    if (error != NULL) return error;
    version = base->version();
    environment = created;
    return NULL;
}

char *ort_open(const char *path) {
    pthread_mutex_lock(&opening);
    char *error = environment == NULL ? open_once(path) : NULL;
    pthread_mutex_unlock(&opening);
    return error;
}

void ort_use(const void *(*get_api_base)(void)) {
    pthread_mutex_lock(&opening);
    given_base = get_api_base;
    pthread_mutex_unlock(&opening);
}

const char *ort_version(void) {
    pthread_mutex_lock(&opening);
    const char *found = version;
    pthread_mutex_unlock(&opening);
    return found;
}

static int is_open(void) {
    return ort_version() != NULL;
}

// Type and shape of a tensor from its information.
static char *describe(const void *info, int32_t *type, int32_t *rank, int64_t *shape) {
    int element = 0;
    size_t count = 0;
    char *error = failure(CALL(GET_TENSOR_ELEMENT_TYPE, (const void *, int *), info, &element));
    if (error == NULL) error = failure(CALL(GET_DIMENSIONS_COUNT, (const void *, size_t *), info, &count));
    if (error == NULL && count > ORT_MAX_RANK) error = message("a tensor of %zu dimensions; at most 8 are taken", count);
    if (error == NULL) error = failure(CALL(GET_DIMENSIONS, (const void *, int64_t *, size_t), info, shape, count));
    *type = element;
    *rank = (int32_t)count;
    return error;
}

static char *describe_port(void *session, int name_place, int type_place, size_t index, ort_port *port) {
    char *name = NULL;
    void *type_info = NULL;
    const void *tensor_info = NULL;
    char *error = failure(
        CALL(name_place, (const void *, size_t, void *, char **), session, index, allocator, &name));
    if (error != NULL) return error;
    port->name = strdup(name);
    error = failure(CALL(ALLOCATOR_FREE, (void *, void *), allocator, name));
    if (error == NULL && port->name == NULL) error = message("out of memory");
    if (error == NULL) error = failure(CALL(type_place, (const void *, size_t, void **), session, index, &type_info));
    if (error == NULL) {
        error = failure(CALL(CAST_TYPE_INFO_TO_TENSOR_INFO, (const void *, const void **), type_info, &tensor_info));
    }
    if (error == NULL && tensor_info == NULL) error = message("%s is not a tensor", port->name);
    if (error == NULL) error = describe(tensor_info, &port->type, &port->rank, port->shape);
    if (type_info != NULL) RELEASE(RELEASE_TYPE_INFO, type_info);
    return error;
}

static char *describe_ports(ort_session *session) {
    void *inner = session->session;
    char *error =
        failure(CALL(SESSION_GET_INPUT_COUNT, (const void *, size_t *), inner, &session->input_count));
    if (error == NULL) {
        error = failure(CALL(SESSION_GET_OUTPUT_COUNT, (const void *, size_t *), inner, &session->output_count));
    }
    if (error != NULL) {
        session->input_count = session->output_count = 0;
        return error;
    }
    size_t count = session->input_count + session->output_count;
    session->ports = calloc(count ? count : 1, sizeof *session->ports);
    if (session->ports == NULL) {
        session->input_count = session->output_count = 0;
        return message("out of memory");
    }
    for (size_t i = 0; error == NULL && i < session->input_count; i++) {
        error = describe_port(inner, SESSION_GET_INPUT_NAME, SESSION_GET_INPUT_TYPE_INFO, i, &session->ports[i]);
    }
    for (size_t i = 0; error == NULL && i < session->output_count; i++) {
        error = describe_port(inner, SESSION_GET_OUTPUT_NAME, SESSION_GET_OUTPUT_TYPE_INFO, i,
                              &session->ports[session->input_count + i]);
    }
    return error;
}

char *ort_session_create(const void *program, size_t bytes, int32_t threads, ort_session **session) {
    *session = NULL;
    if (!is_open()) return message("ONNX Runtime is not open; call ort_open first");
    ort_session *opened = calloc(1, sizeof *opened);
    if (opened == NULL) return message("out of memory");
    void *options = NULL;
    char *error = failure(CALL(CREATE_SESSION_OPTIONS, (void **), &options));
    if (error == NULL) error = failure(CALL(SET_LOG_SEVERITY_LEVEL, (void *, int), options, ERRORS_ONLY));
    // Patterns take a second set of memory and save no time here.
    if (error == NULL) error = failure(CALL(DISABLE_MEM_PATTERN, (void *), options));
    if (error == NULL && threads > 0) {
        error = failure(CALL(SET_INTRA_OP_NUM_THREADS, (void *, int), options, threads));
    }
    static const char *const entries[][2] = {
        {"optimization.constant_folding_max_output_size_in_bytes", MOST_FOLDED},
        {"session.use_env_allocators", "1"},
        {"session.use_device_allocator_for_initializers", "1"},  // not in the arena: weights go back with the session
    };
    for (size_t i = 0; error == NULL && i < sizeof entries / sizeof *entries; i++) {
        error = failure(CALL(ADD_SESSION_CONFIG_ENTRY, (void *, const char *, const char *), options, entries[i][0],
                             entries[i][1]));
    }
    if (error == NULL) {
        error = failure(CALL(CREATE_SESSION_FROM_ARRAY, (const void *, const void *, size_t, const void *, void **),
                             environment, program, bytes, options, &opened->session));
    }
    if (options != NULL) RELEASE(RELEASE_SESSION_OPTIONS, options);
    if (error == NULL) error = describe_ports(opened);
    if (error != NULL) {
        ort_session_release(opened);
        return error;
    }
#ifdef __GLIBC__
    malloc_trim(0);  // what opening took for a while, as much as the program has weights, would stay
#endif
    *session = opened;
    return NULL;
}

void ort_session_release(ort_session *session) {
    if (session == NULL) return;
    if (session->session != NULL) RELEASE(RELEASE_SESSION, session->session);
    for (size_t i = 0; i < session->input_count + session->output_count; i++) free((char *)session->ports[i].name);
    free(session->ports);
    free(session);
}

size_t ort_session_input_count(const ort_session *session) {
    return session->input_count;
}

size_t ort_session_output_count(const ort_session *session) {
    return session->output_count;
}

const ort_port *ort_session_input(const ort_session *session, size_t index) {
    return index < session->input_count ? &session->ports[index] : NULL;
}

const ort_port *ort_session_output(const ort_session *session, size_t index) {
    return index < session->output_count ? &session->ports[session->input_count + index] : NULL;
}

// Bytes of a tensor, or an error for a type that is not taken and a shape that is none.
static char *tensor_bytes(int32_t type, int32_t rank, const int64_t *shape, size_t *bytes) {
    size_t total = type == ORT_FLOAT32 ? 4 : type == ORT_UINT8 ? 1 : type == ORT_INT64 ? 8 : 0;
    if (total == 0) return message("a tensor of ONNX's type %d; float32, uint8 and int64 are taken", type);
    if (rank < 0 || rank > ORT_MAX_RANK) return message("a tensor of %d dimensions; at most 8 are taken", rank);
    for (int32_t i = 0; i < rank; i++) {
        if (shape[i] < 0 || __builtin_mul_overflow(total, (size_t)shape[i], &total)) {
            return message("a tensor of impossible size");
        }
    }
    *bytes = total;
    return NULL;
}

static char *make_input(const ort_input *input, void **value) {
    size_t bytes = 0;
    char *error = tensor_bytes(input->type, input->rank, input->shape, &bytes);
    if (error != NULL) return error;
    if (bytes != input->bytes) {
        return message("input %s has %zu bytes where its shape takes %zu", input->name, input->bytes, bytes);
    }
    static const int64_t empty = 0;  // ONNX Runtime takes no NULL, even for tensors without elements
    return failure(CALL(CREATE_TENSOR_WITH_DATA,
                        (const void *, void *, size_t, const int64_t *, size_t, int, void **), memory_info,
                        (void *)(input->data != NULL ? input->data : &empty), bytes, input->shape, (size_t)input->rank,
                        input->type, value));
}

static char *read_output(void *value, ort_output *output) {
    void *info = NULL, *data = NULL;
    char *error = failure(CALL(GET_TENSOR_TYPE_AND_SHAPE, (const void *, void **), value, &info));
    if (error != NULL) return error;
    error = describe(info, &output->type, &output->rank, output->shape);
    RELEASE(RELEASE_TENSOR_INFO, info);
    if (error == NULL) error = tensor_bytes(output->type, output->rank, output->shape, &output->bytes);
    if (error == NULL) error = failure(CALL(GET_TENSOR_MUTABLE_DATA, (void *, void **), value, &data));
    output->data = data;
    output->handle = value;
    return error;
}

char *ort_run(const ort_session *session, const ort_input *inputs, size_t input_count, const char *const *output_names,
              size_t output_count, ort_output *outputs) {
    if (input_count > MOST_TENSORS || output_count > MOST_TENSORS) {
        return message("more than %d inputs or outputs", MOST_TENSORS);
    }
    void *values[MOST_TENSORS] = {NULL}, *results[MOST_TENSORS] = {NULL};
    const char *names[MOST_TENSORS];
    char *error = NULL;
    for (size_t i = 0; error == NULL && i < input_count; i++) {
        names[i] = inputs[i].name;
        error = make_input(&inputs[i], &values[i]);
    }
    if (error == NULL) {
        error = failure(CALL(RUN,
                             (void *, const void *, const char *const *, const void *const *, size_t,
                              const char *const *, size_t, void **),
                             session->session, NULL, names, (const void *const *)values, input_count, output_names,
                             output_count, results));
    }
    for (size_t i = 0; error == NULL && i < output_count; i++) error = read_output(results[i], &outputs[i]);
    for (size_t i = 0; i < input_count; i++) {
        if (values[i] != NULL) RELEASE(RELEASE_VALUE, values[i]);
    }
    for (size_t i = 0; error != NULL && i < output_count; i++) {
        if (results[i] != NULL) RELEASE(RELEASE_VALUE, results[i]);
        outputs[i].handle = NULL;
    }
    return error;
}

void ort_release_output(ort_output *output) {
    if (output->handle != NULL) RELEASE(RELEASE_VALUE, output->handle);
    output->handle = NULL;
    output->data = NULL;
}

void ort_free(char *message) {
    free(message);
}
