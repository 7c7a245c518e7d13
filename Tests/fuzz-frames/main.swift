// A libFuzzer target for the decoder of frames. See "Frames on links" for how it is built and run.
import Glibc
import Splitting

/// libFuzzer's own entry: runs the target until its time is over.
@_silgen_name("LLVMFuzzerRunDriver")
func runFuzzer(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ target: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// Gives the bytes to the decoder, in pieces whose size the first byte says. What is taken must be what its encoding is.
private func judge(_ input: [UInt8]) {
    guard let first = input.first else { return }
    let size = max(1, Int(first))
    var decoder = LinkFrameDecoder()
    var next = 1
    while next < input.count {
        let end = min(input.count, next + size)
        decoder.append(input[next..<end])
        next = end
        do throws(LinkError) {
            while let (kind, body) = try decoder.nextFrame() {
                if kind.isHandshake { continue }
                var copy = body
                let bytes = try copy.run(.payload, count: body.remaining)
                let frame = try LinkMessage(kind, body).encoded()
                precondition(Array(frame[LinkFrame.headerLength...]) == bytes, "a message has two encodings")
            }
        } catch {
            _ = error.description
            return
        }
    }
}

var count = CommandLine.argc
var arguments = unsafe CommandLine.unsafeArgv
exit(
    unsafe withUnsafeMutablePointer(to: &arguments) { pointer in
        unsafe pointer.withMemoryRebound(
            to: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.self, capacity: 1
        ) { pointer in
            unsafe runFuzzer(&count, pointer) { bytes, length in
                judge(unsafe Array(UnsafeBufferPointer(start: bytes, count: length)))
                return 0
            }
        }
    })
