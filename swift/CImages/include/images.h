// Images in and out of memory by libjpeg-turbo and libpng, for Linux; elsewhere the system has a library of its own.
//
// All pixels are 8 bits each in the order blue, green, red, row by row without gaps. Functions return 0, or 1 and one line
// in `message`.
#ifndef FRAMEGEN_IMAGES_H
#define FRAMEGEN_IMAGES_H

#include <stddef.h>
#include <stdint.h>

#define IMAGES_MESSAGE 200  // bytes of a message, its end included

// Decodes a whole image of the stated size into pixels (height * width * 3 bytes). Grey and palettes become colours,
// of 16 bits the upper 8 are taken and transparency is dropped. An image that is damaged or cut off is an error.
int images_decode_jpeg(const uint8_t *data, size_t size, uint8_t *pixels, int width, int height, char *message);
int images_decode_png(const uint8_t *data, size_t size, uint8_t *pixels, int width, int height, char *message);

// Encodes an image; *data is the caller's, who frees it with images_free. quality: 0 to 100.
int images_encode_jpeg(const uint8_t *pixels, int width, int height, int quality, uint8_t **data, size_t *size, char *message);
int images_encode_png(const uint8_t *pixels, int width, int height, uint8_t **data, size_t *size, char *message);
void images_free(uint8_t *data);

#endif
