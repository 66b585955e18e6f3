// Programs around a generator that was exported as its network alone: what resizes and masks the crop, and what writes the
// painted face back. They have no weights; docs/avatar.md tells what they take and give. studio/plain_programs.py writes
// them.
#ifndef FRAMEGEN_PLAIN_PROGRAMS_H
#define FRAMEGEN_PLAIN_PROGRAMS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// The ONNX program of this name, input_ or patch_ and the generator's face (328, 160, mobile), and its length; NULL where
// there is none. It stays valid.
const void *plain_program(const char *name, size_t *bytes);

#ifdef __cplusplus
}
#endif

#endif
