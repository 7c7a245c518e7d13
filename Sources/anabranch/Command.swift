/// Why a command did not do what was asked.
enum Failure: Error, Equatable {
    /// The command line is wrong: exit 2.
    case usage(String)
    /// What was asked could not be done: exit 1.
    case failed(String)
    /// The daemon is not there: exit 3.
    case unreachable(String)

    var exitCode: Int32 {
        switch self {
        case .failed: 1
        case .usage: 2
        case .unreachable: 3
        }
    }

    var message: String {
        switch self {
        case .failed(let text), .usage(let text), .unreachable(let text): text
        }
    }
}

/// An option of a command.
struct Option: Sendable {
    /// As it is written: `--socket`.
    let name: String
    /// What its value is called in help; nil for a flag.
    let value: String?
    let help: String
    var required = false
}

/// One command: how it is written, what help says of it, and what it does.
struct Command: Sendable {
    /// The words that name it: `["backend", "drain"]`.
    let words: [String]
    /// What has to follow them: `["[POOL/]NAME"]`.
    var operands: [String] = []
    /// What may follow those, in this order.
    var optionalOperands: [String] = []
    var options: [Option] = []
    /// One line.
    let summary: String
    /// Anything more, for its own help.
    var details = ""
    let run: @Sendable (Invocation) throws(Failure) -> Void

    var name: String { words.joined(separator: " ") }

    /// The line that shows how the command is written.
    var synopsis: String {
        let optional = options.map { option in
            let text = option.name + (option.value.map { " \($0)" } ?? "")
            return option.required ? text : "[\(text)]"
        }
        let operands = operands + optionalOperands.map { "[\($0)]" }
        return (["anabranch", name] + operands + optional).joined(separator: " ")
    }
}

/// A command line that was understood.
struct Invocation {
    let operands: [String]
    let options: [String: String]
    let console: Console

    /// Whether a flag was given.
    func has(_ name: String) -> Bool { options[name] != nil }
    /// An option's value.
    subscript(name: String) -> String? { options[name] }

    /// An option's value as a number.
    func number(_ name: String, in range: ClosedRange<Int>) throws(Failure) -> Int? {
        guard let text = options[name] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw .usage("\(name) '\(text)' is no number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}
