package avatar

import "fmt"

const smallestBox = 32 // pixels; below this a face has no detail to regenerate

// CropBox is a square in a frame, left and top edge and side in pixels; it may reach beyond the image on any side.
type CropBox struct{ X, Y, Size int }

// problem says why the box cannot be used in a frame of width x height pixels, or is empty.
func (b CropBox) problem(width, height int) string {
	if b.Size < smallestBox {
		return fmt.Sprintf("the face is %d pixels wide, at least %d are needed", b.Size, smallestBox)
	}
	x, y := b.X+b.Size/2, b.Y+b.Size/2
	if x < 0 || x >= width || y < 0 || y >= height {
		return fmt.Sprintf("the middle of the face's box (x %d, y %d, side %d) lies outside of the image (%dx%d)",
			b.X, b.Y, b.Size, width, height)
	}
	return ""
}

func (b CropBox) inside(width, height int) bool {
	return min(b.X, b.Y) >= 0 && b.X+b.Size <= width && b.Y+b.Size <= height
}

// cut gives the box's pixels in image, BGR of width x height; beyond the image its edge is repeated.
func (b CropBox) cut(image []byte, width, height int) []byte {
	crop := make([]byte, 3*b.Size*b.Size)
	left, right := clamp(b.X, 0, width), clamp(b.X+b.Size, 0, width) // columns of the image
	for r := range b.Size {
		row := image[3*width*clamp(b.Y+r, 0, height-1):][:3*width]
		line := crop[3*b.Size*r:][:3*b.Size]
		copy(line[3*(left-b.X):], row[3*left:3*right])
		for c := 0; c < left-b.X; c++ {
			copy(line[3*c:3*c+3], row[:3])
		}
		for c := right - b.X; c < b.Size; c++ {
			copy(line[3*c:3*c+3], row[3*width-3:])
		}
	}
	return crop
}

// paste writes patch over the box in image; what lies beyond the image is lost.
func (b CropBox) paste(image, patch []byte, width, height int) {
	left, right := clamp(b.X, 0, width), clamp(b.X+b.Size, 0, width)
	for y := max(b.Y, 0); y < min(b.Y+b.Size, height); y++ {
		line := patch[3*b.Size*(y-b.Y):][:3*b.Size]
		copy(image[3*(width*y+left):3*(width*y+right)], line[3*(left-b.X):])
	}
}

func clamp(value, low, high int) int { return max(low, min(value, high)) }
