// ONNX Runtime for the Go and the Swift host: find the library, open a program, run it.
//
// ONNX Runtime's C API is a table of functions that only grows, so this needs neither its header nor a certain version of
// it: the few functions that a host calls are asked for at version 8 of the table (release 1.8) and work with every newer
// library. Sessions may be used from several threads at once. Linux and Apple systems.
//
// Every function that returns char * returns NULL, or one line that says what went wrong; the caller frees it with ort_free.
#ifndef FRAMEGEN_ORT_H
#define FRAMEGEN_ORT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ORT_MAX_RANK 8

// Types of elements, numbered as ONNX does. A tensor of any other type is an error.
enum { ORT_FLOAT32 = 1, ORT_UINT8 = 2, ORT_INT64 = 7 };

typedef struct ort_session ort_session;

// A tensor of the caller's, row-major; data stays the caller's and must not change until ort_run returns.
typedef struct {
    const char *name;
    int32_t type;
    int32_t rank;  // 0 for a scalar
    int64_t shape[ORT_MAX_RANK];
    const void *data;
    size_t bytes;  // of data; ort_run refuses what is not as large as type and shape say
} ort_input;

// A tensor that a program gave, row-major; data is ONNX Runtime's and valid until ort_release_output.
typedef struct {
    int32_t type;
    int32_t rank;
    int64_t shape[ORT_MAX_RANK];
    const void *data;
    size_t bytes;
    void *handle;
} ort_output;

// What a program states of one of its inputs or outputs; a dimension that it leaves open is -1.
typedef struct {
    const char *name;  // valid as long as the session
    int32_t type;      // as ONNX numbers it, also where it is none of the three above
    int32_t rank;
    int64_t shape[ORT_MAX_RANK];
} ort_port;

// Finds ONNX Runtime, once for the process; later calls do nothing. Looked for, in this order: what ort_use gave; the
// running process; path, unless NULL or empty; $ONNXRUNTIME_SHARED_LIBRARY_PATH; its usual names beside the executable,
// and where the system looks for libraries. A path that is given and cannot be opened is an error.
// Telemetry of ONNX Runtime is turned off, unless ORT_DISABLE_TELEMETRY is set to something else.
char *ort_open(const char *path);

// Hands over the app's own OrtGetApiBase, for apps into which ONNX Runtime is linked: dlsym finds it in none that the
// linker stripped. Call it before ort_open, which then opens no library.
void ort_use(const void *(*get_api_base)(void));

// The version of the library that ort_open found, such as "1.32.0", or NULL before.
const char *ort_version(void);

// Opens a program from its bytes, which may go afterwards. threads: inside one operator; 0 for as many as there are cores.
char *ort_session_create(const void *program, size_t bytes, int32_t threads, ort_session **session);
void ort_session_release(ort_session *session);

size_t ort_session_input_count(const ort_session *session);
size_t ort_session_output_count(const ort_session *session);
const ort_port *ort_session_input(const ort_session *session, size_t index);
const ort_port *ort_session_output(const ort_session *session, size_t index);

// Runs a program. outputs: room for as many tensors as there are names; all are filled in, or none where it fails.
char *ort_run(const ort_session *session, const ort_input *inputs, size_t input_count, const char *const *output_names,
              size_t output_count, ort_output *outputs);
void ort_release_output(ort_output *output);

void ort_free(char *message);

#ifdef __cplusplus
}
#endif

#endif
