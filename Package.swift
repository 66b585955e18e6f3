// swift-tools-version: 6.0
// The Swift host of avatar packages; docs/hosts.md tells how apps use it. On Linux it needs the Debian packages
// libturbojpeg0-dev and libpng-dev; on Apple systems what is there.
import PackageDescription

let package = Package(
    name: "framegen",
    platforms: [.iOS(.v15), .macOS(.v13)],
    products: [
        .library(name: "FrameGeneration", targets: ["FrameGeneration"]),
        .executable(name: "framegen-swift", targets: ["framegen-swift"]),
    ],
    targets: [
        .target(
            name: "COnnxRuntime", path: "ort", exclude: ["ort.go", "ort_test.go"], publicHeadersPath: "include"),
        .target(
            name: "CImages", path: "swift/CImages",
            linkerSettings: [
                .linkedLibrary("turbojpeg", .when(platforms: [.linux])),
                .linkedLibrary("png", .when(platforms: [.linux])),
            ]),
        .target(name: "CDigest", path: "swift/CDigest"),
        .target(
            name: "FrameGeneration", dependencies: ["COnnxRuntime", "CImages", "CDigest"],
            path: "swift/Sources/FrameGeneration"),
        .executableTarget(
            name: "framegen-swift", dependencies: ["FrameGeneration"], path: "swift/Sources/CommandLineTool"),
        .executableTarget(name: "TalkingAvatar", dependencies: ["FrameGeneration"], path: "swift/Examples"),
        .testTarget(
            name: "FrameGenerationTests", dependencies: ["FrameGeneration"], path: "swift/Tests/FrameGenerationTests"),
    ],
    swiftLanguageModes: [.v6]
)
