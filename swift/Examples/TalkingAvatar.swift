// An app with one window, in which an avatar says an audio file. It is compiled where SwiftUI is, on iOS 15 and macOS 13; it
// was written against Apple's documentation, and neither compiled nor run yet.
#if canImport(SwiftUI) && canImport(AVFoundation)
    import AVFoundation
    import FrameGeneration
    import SwiftUI
    import UniformTypeIdentifiers

    /// Shows frames while their audio plays: the audio's clock says when each frame is due.
    @MainActor
    final class Player: ObservableObject {
        @Published private(set) var image: CGImage?
        @Published private(set) var message = "Choose an avatar and audio."
        private var avatar: Avatar?
        private var speaking: Task<Void, Never>?

        /// Opens a package, which takes part of a second and so happens elsewhere than in the thread that draws.
        func open(_ package: URL) async {
            do {
                avatar = try await Task.detached { try Avatar(contentsOf: package) }.value
                message = "\(avatar?.manifest.name ?? "") is ready."
            } catch {
                message = "\(error)"
            }
        }

        /// Says an audio file; what is being said ends.
        func speak(_ audio: URL) {
            guard let avatar else { return }
            speaking?.cancel()
            speaking = Task {
                do {
                    try await play(avatar, audio)
                    message = ""
                } catch is CancellationError {
                } catch {
                    message = "\(error)"
                }
            }
        }

        private func play(_ avatar: Avatar, _ audio: URL) async throws {
            let player = try AVAudioPlayer(contentsOf: audio)
            defer { player.stop() }
            for try await frame in avatar.frames(of: .audio(audio.path)) {
                if frame.index == 0 { player.play() }
                let early = frame.time - player.currentTime
                if player.isPlaying, early > 0 {
                    try await Task.sleep(nanoseconds: UInt64(early * 1e9))
                } else if player.isPlaying, early < -0.2 {
                    player.currentTime = frame.time  // frames come late: the audio goes back to them
                }
                image = frame.image.cgImage
            }
        }
    }

    struct ContentView: View {
        @StateObject private var player = Player()
        @State private var choosesAvatar = false
        @State private var choosesAudio = false

        var body: some View {
            VStack {
                if let image = player.image {
                    SwiftUI.Image(decorative: image, scale: 1).resizable().scaledToFit()
                }
                Text(player.message)
                HStack {
                    Button("Avatar") { choosesAvatar = true }
                        .fileImporter(isPresented: $choosesAvatar, allowedContentTypes: [.item, .folder]) { chosen in
                            guard let url = try? chosen.get(), url.startAccessingSecurityScopedResource() else {
                                return
                            }
                            Task { await player.open(url) }
                        }
                    Button("Speak") { choosesAudio = true }
                        .fileImporter(isPresented: $choosesAudio, allowedContentTypes: [.audio, .movie]) { chosen in
                            guard let url = try? chosen.get(), url.startAccessingSecurityScopedResource() else {
                                return
                            }
                            player.speak(url)
                        }
                }
            }
            .padding()
        }
    }

    @main
    struct TalkingAvatar: App {
        init() {
            // An app into which ONNX Runtime is linked says here where it is: Runtime.use(OrtGetApiBase)
        }

        var body: some Scene {
            WindowGroup { ContentView() }
        }
    }
#else
    @main
    struct TalkingAvatar {
        static func main() {
            print("this example needs SwiftUI, which Apple's systems have")
        }
    }
#endif
