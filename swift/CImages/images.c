#include "include/images.h"

#ifdef __linux__
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

static int failed(char *message, const char *reason) {
    strncpy(message, reason, IMAGES_MESSAGE - 1);
    message[IMAGES_MESSAGE - 1] = '\0';
    return 1;
}

int images_decode_jpeg(const uint8_t *data, size_t size, uint8_t *pixels, int width, int height, char *message) {
    tjhandle decoder = tjInitDecompress();
    if (decoder == NULL) return failed(message, "out of memory");
    int bad = tjDecompress2(decoder, data, size, pixels, width, 0, height, TJPF_BGR, 0);
    if (bad) failed(message, tjGetErrorStr2(decoder));
    tjDestroy(decoder);
    return bad != 0;
}

int images_encode_jpeg(const uint8_t *pixels, int width, int height, int quality, uint8_t **data, size_t *size, char *message) {
    tjhandle encoder = tjInitCompress();
    if (encoder == NULL) return failed(message, "out of memory");
    unsigned char *made = NULL;
    unsigned long length = 0;
    int bad = tjCompress2(encoder, pixels, width, 0, height, TJPF_BGR, &made, &length, TJSAMP_420, quality, 0);
    if (bad) failed(message, tjGetErrorStr2(encoder));
    if (!bad && (*data = malloc(length)) != NULL) {
        memcpy(*data, made, length);
        *size = length;
    } else if (!bad) {
        bad = failed(message, "out of memory");
    }
    tjFree(made);
    tjDestroy(encoder);
    return bad != 0;
}

typedef struct {
    const uint8_t *data;
    size_t left;
    uint8_t *made;
    size_t size, room;
    char *message;
} png_memory;

static void on_error(png_structp png, png_const_charp reason) {
    failed(((png_memory *)png_get_error_ptr(png))->message, reason);
    longjmp(png_jmpbuf(png), 1);
}

static void on_warning(png_structp png, png_const_charp reason) {
    (void)png;
    (void)reason;
}

static void on_read(png_structp png, png_bytep to, size_t count) {
    png_memory *memory = png_get_io_ptr(png);
    if (count > memory->left) png_error(png, "the end is missing");
    memcpy(to, memory->data, count);
    memory->data += count;
    memory->left -= count;
}

static void on_write(png_structp png, png_bytep from, size_t count) {
    png_memory *memory = png_get_io_ptr(png);
    if (memory->size + count > memory->room) {
        size_t room = 2 * (memory->size + count);
        uint8_t *larger = realloc(memory->made, room);
        if (larger == NULL) png_error(png, "out of memory");
        memory->made = larger;
        memory->room = room;
    }
    memcpy(memory->made + memory->size, from, count);
    memory->size += count;
}

static void on_flush(png_structp png) { (void)png; }

int images_decode_png(const uint8_t *data, size_t size, uint8_t *pixels, int width, int height, char *message) {
    png_memory memory = {.data = data, .left = size, .message = message};
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &memory, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    png_bytep *rows = malloc(sizeof(png_bytep) * (size_t)height);
    int bad = info == NULL || rows == NULL;
    if (bad) {
        failed(message, "out of memory");
    } else if (setjmp(png_jmpbuf(png))) {
        bad = 1;
    } else {
        png_set_read_fn(png, &memory, on_read);
        png_set_user_limits(png, (png_uint_32)width, (png_uint_32)height);
        png_read_info(png, info);
        int type = png_get_color_type(png, info);
        if (png_get_image_width(png, info) != (png_uint_32)width || png_get_image_height(png, info) != (png_uint_32)height)
            png_error(png, "another size than stated");
        if (png_get_bit_depth(png, info) == 16) png_set_strip_16(png);
        if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(png);
        if (!(type & PNG_COLOR_MASK_COLOR) && png_get_bit_depth(png, info) < 8) png_set_expand_gray_1_2_4_to_8(png);
        if (!(type & PNG_COLOR_MASK_COLOR)) png_set_gray_to_rgb(png);
        png_set_strip_alpha(png);
        png_set_bgr(png);
        png_set_interlace_handling(png);
        png_read_update_info(png, info);
        if (png_get_rowbytes(png, info) != (size_t)width * 3) png_error(png, "an unknown kind of pixels");
        for (int row = 0; row < height; row++) rows[row] = pixels + (size_t)row * (size_t)width * 3;
        png_read_image(png, rows);
        png_read_end(png, NULL);
    }
    png_destroy_read_struct(&png, &info, NULL);
    free(rows);
    return bad;
}

int images_encode_png(const uint8_t *pixels, int width, int height, uint8_t **data, size_t *size, char *message) {
    png_memory memory = {.message = message};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &memory, on_error, on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    int bad = info == NULL;
    if (bad) {
        failed(message, "out of memory");
    } else if (setjmp(png_jmpbuf(png))) {
        bad = 1;
    } else {
        png_set_write_fn(png, &memory, on_write, on_flush);
        png_set_compression_level(png, 1);  // speed matters more, and it is lossless anyway
        png_set_filter(png, 0, PNG_FILTER_SUB);
        png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                     PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
        png_write_info(png, info);
        png_set_bgr(png);
        for (int row = 0; row < height; row++) png_write_row(png, pixels + (size_t)row * (size_t)width * 3);
        png_write_end(png, info);
    }
    png_destroy_write_struct(&png, &info);
    if (bad) {
        free(memory.made);
    } else {
        *data = memory.made;
        *size = memory.size;
    }
    return bad;
}

void images_free(uint8_t *data) { free(data); }

#endif
