/// A square in a frame: left and top edge and side in pixels. It may reach beyond the image on any side.
public struct CropBox: Sendable, Hashable {
    static let smallest = 32  // pixels; below this a face has no detail to regenerate

    public let x: Int
    public let y: Int
    public let size: Int

    init(x: Int, y: Int, size: Int) {
        self.x = x
        self.y = y
        self.size = size
    }

    /// The original's box: from one edge of the face to the other, downwards from the nose bridge.
    init(landmarks: Landmarks) {
        let left = landmarks.x[Landmarks.faceLeft], right = landmarks.x[Landmarks.faceRight]
        self.init(x: left, y: landmarks.y[Landmarks.noseBridge], size: right - left)
    }

    /// Why this box cannot be used in a frame of so many pixels, or nil when it can: its middle must lie in the image.
    func problem(width: Int, height: Int) -> String? {
        if size < Self.smallest { return "the face is \(size) pixels wide, at least \(Self.smallest) are needed" }
        guard 0..<width ~= x + size / 2, 0..<height ~= y + size / 2 else {
            return
                "the middle of the face's box (x \(x), y \(y), side \(size)) lies outside of the image (\(width)x\(height))"
        }
        return nil
    }

    /// Whether the whole box lies in a frame of so many pixels.
    func isInside(width: Int, height: Int) -> Bool {
        min(x, y) >= 0 && x + size <= width && y + size <= height
    }

    /// The box's pixels of `image`; one beyond the image has the value of the image's nearest pixel.
    func cut(_ image: Image) -> Image {
        var crop = Image(width: size, height: size)
        let left = min(max(-x, 0), size), right = min(max(x + size - image.width, 0), size)
        for row in 0..<size {
            let line = min(max(y + row, 0), image.height - 1) * image.width
            let at = row * size * 3
            crop.replace(
                at: at + left * 3, with: image, from: (line + x + left) * 3, count: (size - left - right) * 3)
            for column in 0..<left { crop.replace(at: at + column * 3, with: image, from: line * 3, count: 3) }
            for column in size - right..<size {
                crop.replace(at: at + column * 3, with: image, from: (line + image.width - 1) * 3, count: 3)
            }
        }
        return crop
    }

    /// Writes `patch` (size x size) over the box's pixels of `image`; what lies beyond the image is lost.
    func paste(_ patch: Image, into image: inout Image) {
        let left = max(-x, 0), top = max(-y, 0)
        let count = min(x + size, image.width) - x - left
        for row in top..<min(size, image.height - y) {
            let to = ((y + row) * image.width + x + left) * 3
            image.replace(at: to, with: patch, from: (row * size + left) * 3, count: count * 3)
        }
    }
}
