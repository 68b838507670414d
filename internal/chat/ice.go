package chat

// ICE is how a device in a call finds a way to the others (RFC 8445).
type ICE struct {
	Servers   []ICEServer `json:"servers" doc:"empty: host candidates only"`
	ExpiresAt Time        `json:"expires_at,omitzero" doc:"of the credentials; ask again by call.answer"`
}

// ICEServer is a STUN or TURN server, as RTCIceServer has it.
type ICEServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username,omitempty"`
	Credential string   `json:"credential,omitempty"`
}
