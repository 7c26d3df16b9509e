"""The WebSocket under the protocol: address, handshake, reconnection. The only part that imports websockets."""
