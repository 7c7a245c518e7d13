import Foundation
import Glibc
import NodeLinks
import Testing

@Suite("The key of links")
struct LinkKeyTests {
    private func withKeyFile(_ text: String, mode: mode_t, _ body: (String) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "ab-key-\(UUID().uuidString)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        defer { unsafe unlink(path) }
        let changed = unsafe chmod(path, mode)
        #expect(changed == 0)
        try body(path)
    }

    @Test(arguments: [0o600, 0o640, 0o400] as [mode_t])
    func aFileThatOthersCannotReadIsTaken(_ mode: mode_t) throws {
        try withKeyFile("0123456789abcdef\n", mode: mode) { path in
            let key = try LinkKey(file: path)
            #expect("\(key)" == "key of 16 bytes")
        }
    }

    @Test(arguments: [0o644, 0o660, 0o604, 0o700, 0o666] as [mode_t])
    func aFileThatIsOpenToOthersIsRefused(_ mode: mode_t) throws {
        try withKeyFile("0123456789abcdef\n", mode: mode) { path in
            #expect(throws: LinkSetupError.self) { try LinkKey(file: path) }
        }
    }

    @Test func aShortKeyIsRefused() throws {
        try withKeyFile("0123456789abcde\n", mode: 0o600) { path in
            let error = #expect(throws: LinkSetupError.self) { try LinkKey(file: path) }
            #expect(error?.description.contains("15 bytes") == true)
        }
        #expect(throws: LinkSetupError.self) { try LinkKey(file: "/nonexistent/key") }
        #expect(throws: LinkSetupError.self) { try LinkKey(file: "/dev/null") }
    }

    @Test func theKeyIsNotPrinted() throws {
        let key = try LinkKey(bytes: Array("a very secret key".utf8))
        var dumped = ""
        dump(LinkIdentity(name: "n1", role: .node, key: key), to: &dumped)
        #expect(!dumped.contains("97"))
        #expect(!String(reflecting: key).contains("secret"))
    }
}
