import ChunkProcessing
import Configuration
import Glibc
import Hosting
import Logging
import Wire

/// The program `anabranch-node`: command line, signals, systemd, pages.
///
/// A program of your own that brings processors along is three lines:
///
/// ```swift
/// import Glibc
/// import Node
/// exit(NodeProgram.run(CommandLine.arguments, processors: ["thumbnail": Thumbnail()]))
/// ```
///
/// Request types name such a processor like any other.
public enum NodeProgram {
    private static let usage = ServiceArguments.usage(
        "anabranch-node", example: "Config/anabranch-node.json",
        signals: """
            SIGHUP reads the configuration again; SIGTERM and SIGINT finish what is under way, for at most
            drain_timeout, and stop; a second one stops at once.
            """)

    /// Runs the program to its end.
    ///
    /// - Parameters:
    ///   - arguments: the command line, the program's name first.
    ///   - processors: processors that the program brings along, by the names that request types call them.
    /// - Returns: the exit status: 0 good, 1 failed, 2 usage.
    public static func run(_ arguments: [String], processors: [String: any ChunkProcessor] = [:]) -> Int32 {
        switch ServiceArguments(Array(arguments.dropFirst())) {
        case .help:
            print(usage)
        case .version:
            print("anabranch-node \(Version.text)")
        case .wrong(let message):
            writeError("anabranch-node: \(message)\n\(usage)\n")
            return 2
        case .check(let file):
            do throws(ConfigurationErrors) {
                _ = try NodeConfiguration.load(path: file, linked: Array(processors.keys))
            } catch {
                writeError("\(error)\n")
                return 1
            }
        case .run(let file):
            do throws(NodeError) {
                try NodeRun.run(file: file, processors)
            } catch {
                Log.error(error.description)
                return 1
            }
        }
        return 0
    }

    private static func writeError(_ text: String) {
        var text = text
        text.withUTF8 { _ = unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
