/// The programs of a package: their bytes are checked before a runtime sees them, then they are opened.

private let mostState = 1 << 28  // bytes of a face state
private let image = ProgramValue(type: .uint8, shape: [nil, nil, 3])

extension Package {
    /// The generator of the package, or `other` in its place, and its audio program where it has one. Programs are read,
    /// and once all of them are checked opened, beside each other by `workers`.
    ///
    /// Throws an error of kind `package` for programs that are not those listed or that docs/avatar.md does not allow.
    func loadPrograms(_ other: (any Generator)? = nil, by workers: Workers) throws -> (any Generator, AudioProgram?) {
        let programs = try workers.map(manifest.programs) { role in
            let program = try read(programPath(role))
            return (program, try refusing(path) { try readSignature(program, role) })
        }
        return try refusing(path) {
            let state = try checkSignatures(manifest, programs.mapValues { $1 })
            do {
                let roles = manifest.programs.filter { other == nil || $0 == "audio" }
                let sessions = try workers.map(roles) { try OnnxSession(programs[$0]?.0 ?? []) }
                let audio = sessions["audio"].map { AudioProgram($0, manifest.generator.audio) }
                if let other { return (other, audio) }
                guard let face = sessions["face"], let render = sessions["render"] else {
                    throw Refusal("face or render is missing")
                }
                return (ProgramGenerator(face: face, render: render, manifest: manifest, state: state), audio)
            } catch let refusal as Refusal {
                throw Refusal("its programs do not load (\(refusal.reason))")
            }
        }
    }
}

private func readSignature(_ program: [UInt8], _ role: String) throws -> Signature {
    do {
        return try Signature(program: program)
    } catch let refusal as Refusal {
        throw Refusal("\(programPath(role)) \(refusal.reason)")
    }
}

/// Refuses programs, given by role, that take or give other values than expected; gives the face state's values by name.
private func checkSignatures(_ manifest: Manifest, _ signatures: [String: Signature]) throws -> [String: ProgramValue] {
    let state = signatures["face"]?.outputs ?? [:]
    guard !state.isEmpty, state.values.allSatisfy({ $0.shape.allSatisfy { ($0 ?? 0) > 0 } }) else {
        throw Refusal("\(programPath("face")) gives a face state whose shapes are not fixed")
    }
    let size = state.values.reduce(0) { $0 + min($1.size ?? .max, mostState + 1) }
    guard size <= mostState else {
        throw Refusal("\(programPath("face")) gives a face state of more than \(mostState) bytes")
    }
    for (role, found) in signatures.sorted(by: { $0.key < $1.key }) {
        let expected = try expectedSignature(role, manifest, state)
        let problem = difference(found.inputs, expected.inputs) ?? difference(found.outputs, expected.outputs)
        if let problem { throw Refusal("\(programPath(role)) \(problem)") }
    }
    return state
}

private func expectedSignature(_ role: String, _ manifest: Manifest, _ state: [String: ProgramValue]) throws
    -> Signature
{
    let features = manifest.generator.audio.featureSize
    var signature = Signature()
    switch role {
    case "face":
        signature.inputs = ["crop": image]
        signature.outputs = state
    case "audio":
        let number = ProgramValue(type: .int64, shape: [])
        let samples = ProgramValue(type: .float32, shape: [nil])
        signature.inputs = ["samples": samples, "first": number, "count": number]
        signature.outputs = ["features": ProgramValue(type: .float32, shape: [nil, features])]
    default:
        var arguments = ["window": ProgramValue(type: .float32, shape: [windowLength, features]), "crop": image]
        if manifest.hasBlends { arguments["blend"] = ProgramValue(type: .uint8, shape: []) }
        if manifest.parsing { arguments["keep"] = ProgramValue(type: .uint8, shape: [nil, nil]) }
        guard Set(arguments.keys).isDisjoint(with: state.keys) else {
            throw Refusal("\(programPath("face")) gives a face state with the names of other inputs")
        }
        signature.inputs = arguments.merging(state) { argument, _ in argument }
        signature.outputs = ["patch": image]
    }
    return signature
}

/// The first value that differs, or nil.
private func difference(_ found: [String: ProgramValue], _ expected: [String: ProgramValue]) -> String? {
    for name in Set(found.keys).union(expected.keys).sorted() where found[name] != expected[name] {
        let has = found[name]?.described ?? "nothing", wanted = expected[name]?.described ?? "nothing"
        return "has \(shown(name)) as \(has); expected \(wanted)"
    }
    return nil
}

extension Signature {
    /// A signature without any values.
    init() {}
}
