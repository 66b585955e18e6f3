// The command line `framegen-swift`: every command parses, calls and prints. Bad input gives one line and exit status 2.

import FrameGeneration

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

let help = """
    framegen-swift plays avatar packages: lip-synced video of a recorded person from any speech.

    framegen-swift generate --avatar may.avatar --audio speech.wav -o result.mp4
      --avatar PATH        an .avatar file or a folder [FRAMEGEN_AVATAR, or the built-in presenter where it is at hand]
      --audio, -a PATH     a 16 kHz WAV, or any audio that ffmpeg reads
      --features, -f PATH  audio features (.npy or .bin), if at hand
      --output, -o PATH    video: .mp4, .m4v, .mov, .mkv or .webm; needs ffmpeg
      --frames-dir DIR     folder for the frames as images
      --frame-format F     png or jpg [png]
      --start-frame N      enter the recording so many frames later
      --fps N              of the video [25; wenet 20]
      --crf N              lower is better [20; webm 32]
      --preset P           from ultrafast to veryslow [superfast]
      --blend B            feathered or reference [what the package says]
      --no-gate            let the mouth move where nobody speaks; --silence-db and --speech-db set the levels
      --threads N          frames made at once [as many as there are cores]
      --cache-size MB      for remembered faces
      --onnxruntime PATH   ONNX Runtime's library [found by itself]
      --no-provenance      do not say in the files that they are generated
      --quiet, -q          no progress, only errors

    framegen-swift generate --model unet_328.onnx --audio aud.bin --template dataset/May --output frames
      --model, -m PATH     in place of an avatar: a generator as one ONNX file; with it these mean
      --audio PATH         features, .bin beside .bin.json or .npy: one, or a window of sixteen, for each frame
      --output DIR         folder for the frames, as jpg unless told otherwise [output/frames]
      --blend B            [reference]
      --template, -t DIR   the folder with full_body_img/ and landmarks/
      --mode M             ave, hubert, wenet, whisper or streaming [what the model says]
      --start N            enter the recording so many frames later
      --video              write a video too, --video-path [output/result.mp4], with the audio of --audio-file

    framegen-swift info PATH         what a package says of itself
    framegen-swift verify PATH       everything that can be checked of it
    framegen-swift benchmark --avatar may.avatar --audio speech.wav --runs 3
    """

func run(_ words: ArraySlice<String>) async throws {
    guard let command = words.first, !words.contains("--help"), !words.contains("-h") else {
        print(help)
        return
    }
    let rest = words.dropFirst()
    switch command {
    case "generate": try await generate(rest)
    case "info": try info(rest)
    case "verify": try verify(rest)
    case "benchmark": try await benchmark(rest)
    default:
        throw FrameGenerationError(.option, "\(command) is no command; expected generate, info, verify or benchmark")
    }
}

/// The signals that end a run, as a set.
func endingSignals() -> sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGINT)
    sigaddset(&signals, SIGTERM)
    return signals
}

/// The work, and the signal that ended it, or 0.
final class Run: @unchecked Sendable {  // `signal` is written once, before the work is cancelled
    let work: Task<Void, any Error>
    var signal: Int32 = 0

    init(_ work: Task<Void, any Error>) {
        self.work = work
    }
}

/// Ctrl-C and SIGTERM cancel the work, so that nothing half-written stays behind; then the exit status says so.
func awaitSignal(_ argument: UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? {
    let run = Unmanaged<Run>.fromOpaque(argument).takeRetainedValue()
    var signals = endingSignals(), signal: Int32 = 0
    sigwait(&signals, &signal)
    run.signal = signal
    run.work.cancel()
    return nil
}

/// Waits for a signal in a thread of its own.
func startWaiting(_ run: Run) {
    let waiting = Unmanaged.passRetained(run).toOpaque()
    #if canImport(Darwin)
        var thread: pthread_t?
        pthread_create(&thread, nil, { awaitSignal($0) }, waiting)
    #else
        var thread = pthread_t()
        pthread_create(&thread, nil, { awaitSignal($0!) }, waiting)
    #endif
}

@main
struct FramegenSwift {
    static func main() async {
        var signals = endingSignals()
        pthread_sigmask(SIG_BLOCK, &signals, nil)  // before there are other threads: only the waiting one takes them
        let started = Run(Task.detached { try await run(CommandLine.arguments.dropFirst()) })
        startWaiting(started)
        do {
            try await started.work.value
        } catch {
            if started.signal != 0 { exit(128 + started.signal) }
            printError("framegen-swift: \(error)")
            exit(2)
        }
    }
}
