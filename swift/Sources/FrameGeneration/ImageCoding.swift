#if os(Linux)
    import CImages

    /// Decodes an image of the size and format that its header states. Throws `Refusal`.
    func decodeImage(_ data: [UInt8], _ name: String, _ format: ImageFormat, width: Int, height: Int) throws
        -> Image
    {
        var problem = [CChar](repeating: 0, count: Int(IMAGES_MESSAGE))
        let decode = format == .png ? images_decode_png : images_decode_jpeg
        var failed: Int32 = 0
        let pixels = [UInt8](unsafeUninitializedCapacity: width * height * 3) { buffer, count in
            failed = decode(data, data.count, buffer.baseAddress!, Int32(width), Int32(height), &problem)
            count = width * height * 3
        }
        guard failed == 0 else {
            throw Refusal("\(name) cannot be decoded to \(width)x\(height) pixels (\(message(problem)))")
        }
        return Image(width: width, height: height, pixels: pixels)
    }

    extension Image {
        /// The image as a file's content. quality: 0 to 100, of JPEG only.
        func encoded(_ format: ImageFormat, quality: Int = 95) throws -> [UInt8] {
            var data: UnsafeMutablePointer<UInt8>?
            var size = 0
            var problem = [CChar](repeating: 0, count: Int(IMAGES_MESSAGE))
            let failed =
                format == .png
                ? images_encode_png(pixels, Int32(width), Int32(height), &data, &size, &problem)
                : images_encode_jpeg(pixels, Int32(width), Int32(height), Int32(quality), &data, &size, &problem)
            guard failed == 0, let data else {
                throw FrameGenerationError(.output, "an image cannot be encoded (\(message(problem)))")
            }
            defer { images_free(data) }
            return Array(UnsafeBufferPointer(start: data, count: size))
        }
    }

    private func message(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
#elseif canImport(ImageIO)
    // Written against Apple's documentation; compiled and run on Apple systems alone.
    import CoreGraphics
    import Foundation
    import ImageIO

    /// Decodes an image of the size and format that its header states. Throws `Refusal`.
    func decodeImage(_ data: [UInt8], _ name: String, _ format: ImageFormat, width: Int, height: Int) throws
        -> Image
    {
        let refusal = Refusal("\(name) cannot be decoded to \(width)x\(height) pixels")
        let options = [kCGImageSourceShouldCache: false] as CFDictionary
        guard let source = CGImageSourceCreateWithData(Data(data) as CFData, options),
            let image = CGImageSourceCreateImageAtIndex(source, 0, options),
            CGImageSourceGetStatusAtIndex(source, 0) == .statusComplete,
            image.width == width, image.height == height
        else { throw refusal }
        // The stored values are wanted, not their colours on a screen: nothing is converted where spaces are equal.
        let space = image.colorSpace.flatMap { $0.model == .rgb ? $0 : nil } ?? CGColorSpaceCreateDeviceRGB()
        let layout = CGImageAlphaInfo.noneSkipFirst.rawValue | CGBitmapInfo.byteOrder32Little.rawValue
        var padded = [UInt8](repeating: 0, count: width * height * 4)
        let drawn = padded.withUnsafeMutableBytes { buffer in
            guard
                let context = CGContext(
                    data: buffer.baseAddress, width: width, height: height, bitsPerComponent: 8, bytesPerRow: width * 4,
                    space: space, bitmapInfo: layout)
            else { return false }
            context.setBlendMode(.copy)
            context.draw(image, in: CGRect(x: 0, y: 0, width: width, height: height))
            return true
        }
        guard drawn else { throw refusal }
        var pixels = [UInt8](repeating: 0, count: width * height * 3)
        for pixel in 0..<width * height {
            for channel in 0..<3 { pixels[3 * pixel + channel] = padded[4 * pixel + channel] }
        }
        return Image(width: width, height: height, pixels: pixels)
    }

    extension Image {
        /// The image as CoreGraphics has it, in sRGB.
        public var cgImage: CGImage? {
            var padded = [UInt8](repeating: 255, count: width * height * 4)
            for pixel in 0..<width * height {
                for channel in 0..<3 { padded[4 * pixel + channel] = pixels[3 * pixel + channel] }
            }
            let layout = CGImageAlphaInfo.noneSkipFirst.rawValue | CGBitmapInfo.byteOrder32Little.rawValue
            guard let provider = CGDataProvider(data: Data(padded) as CFData),
                let space = CGColorSpace(name: CGColorSpace.sRGB)
            else { return nil }
            return CGImage(
                width: width, height: height, bitsPerComponent: 8, bitsPerPixel: 32, bytesPerRow: width * 4,
                space: space,
                bitmapInfo: CGBitmapInfo(rawValue: layout), provider: provider, decode: nil, shouldInterpolate: false,
                intent: .defaultIntent)
        }

        /// The image as a file's content. quality: 0 to 100, of JPEG only.
        func encoded(_ format: ImageFormat, quality: Int = 95) throws -> [UInt8] {
            let kind = (format == .png ? "public.png" : "public.jpeg") as CFString
            let data = NSMutableData()
            let options = [kCGImageDestinationLossyCompressionQuality: Double(quality) / 100] as CFDictionary
            guard let cgImage, let target = CGImageDestinationCreateWithData(data, kind, 1, nil) else {
                throw FrameGenerationError(.output, "an image cannot be encoded")
            }
            CGImageDestinationAddImage(target, cgImage, options)
            guard CGImageDestinationFinalize(target) else {
                throw FrameGenerationError(.output, "an image cannot be encoded")
            }
            return [UInt8](data as Data)
        }
    }
#endif
