// Pictures in and out of memory by libjpeg-turbo and libpng, for Linux; elsewhere the system has a library of its own.
//
// All pixels are 8 bits each in the order blue, green, red, row by row without gaps. Functions return 0, or 1 and one line
// in `message`.
#ifndef FRAMEGEN_PICTURES_H
#define FRAMEGEN_PICTURES_H

#include <stddef.h>
#include <stdint.h>

#define PICTURES_MESSAGE 200  // bytes of a message, its end included

// Decodes a whole picture of the stated size into pixels (height * width * 3 bytes). Grey and palettes become colours,
// of 16 bits the upper 8 are taken and transparency is dropped. A picture that is damaged or cut off is an error.
int pictures_decode_jpeg(const uint8_t *data, size_t size, uint8_t *pixels, int width, int height, char *message);
int pictures_decode_png(const uint8_t *data, size_t size, uint8_t *pixels, int width, int height, char *message);

// Encodes a picture; *data is the caller's, who frees it with pictures_free. quality: 0 to 100.
int pictures_encode_jpeg(const uint8_t *pixels, int width, int height, int quality, uint8_t **data, size_t *size, char *message);
int pictures_encode_png(const uint8_t *pixels, int width, int height, uint8_t **data, size_t *size, char *message);
void pictures_free(uint8_t *data);

#endif
