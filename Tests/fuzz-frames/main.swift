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

/// Gives the bytes to the decoder, in pieces whose size the first byte says. The second byte is a frame's kind, whose
/// header is put before the rest, or, above all kinds, says that the rest is the stream as it is: the fuzzer would hardly
/// find the magic number and a length that fits. What is taken must be what its encoding is.
private func judge(_ input: [UInt8]) {
    guard input.count >= 2 else { return }
    var stream = Array(input[2...])
    if input[1] < 128 {
        let length = UInt32(stream.count)
        let lengthBytes = [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> $0) }
        stream = [0x41, 0x42, 0x4C, 0x4B, LinkFrame.version, input[1], 0, 0] + lengthBytes + stream
    }
    var decoder = LinkFrameDecoder()
    var next = 0
    while next < stream.count {
        let end = min(stream.count, next + max(1, Int(input[0])))
        decoder.append(stream[next..<end])
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
