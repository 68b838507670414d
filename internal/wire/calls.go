package wire

import (
	"encoding/json"

	"github.com/parley-chat/parley/internal/chat"
)

// CallStart is the payload of call.start. The same call_id again is the same call.
// Where a call rings or is live already, the answer is that one.
type CallStart struct {
	ConversationID chat.ConversationID `json:"conversation_id"`
	CallID         chat.CallID         `json:"call_id" doc:"a UUID that the client makes for this call"`
	DeviceID       chat.DeviceID       `json:"device_id" doc:"a UUID that the client makes for itself and keeps while it runs"`
	Video          bool                `json:"video,omitempty" doc:"with a camera"`
}

// CallAnswer is the payload of call.answer: into the call, or not. The same device
// again comes back into it after its connection broke.
type CallAnswer struct {
	ConversationID chat.ConversationID `json:"conversation_id"`
	CallID         chat.CallID         `json:"call_id"`
	DeviceID       chat.DeviceID       `json:"device_id"`
	Accept         bool                `json:"accept" doc:"false declines"`
	Busy           bool                `json:"busy,omitempty" doc:"declined because this person is in another call"`
	Video          bool                `json:"video,omitempty" doc:"with a camera"`
}

// CallSignal is the payload of call.signal from a client: something for one other
// device in the call.
type CallSignal struct {
	ConversationID chat.ConversationID `json:"conversation_id"`
	CallID         chat.CallID         `json:"call_id"`
	DeviceID       chat.DeviceID       `json:"device_id" doc:"the sender's"`
	To             chat.DeviceID       `json:"to" doc:"the receiver's"`
	Signal         json.RawMessage     `json:"signal" doc:"an object of at most 64 KiB with type offer, answer, candidate, renegotiate or state; offer and answer have sdp, candidate has candidate"`
}

// CallUpdate is the payload of call.update.
type CallUpdate struct {
	ConversationID chat.ConversationID `json:"conversation_id"`
	CallID         chat.CallID         `json:"call_id"`
	DeviceID       chat.DeviceID       `json:"device_id"`
	Video          bool                `json:"video" doc:"the camera is on"`
}

// CallEnd is the payload of call.end: this device hangs up.
type CallEnd struct {
	ConversationID chat.ConversationID `json:"conversation_id"`
	CallID         chat.CallID         `json:"call_id"`
	DeviceID       chat.DeviceID       `json:"device_id"`
}

// CallJoined is the answer to call.start and call.answer.
type CallJoined struct {
	Call chat.Call `json:"call"`
	ICE  chat.ICE  `json:"ice,omitzero" doc:"present when the device that asks is in the call"`
}

// CallChanged is the answer to call.update and call.end, and the payload of
// call.ringing, call.answered and call.ended.
type CallChanged struct {
	Call chat.Call `json:"call"`
}

// CallsAnswer is the answer to call.list.
type CallsAnswer struct {
	Calls []chat.Call `json:"calls" doc:"that ring for this person, or that they are in or could join"`
}

// CallSignalled is the payload of the server's call.signal.
type CallSignalled struct {
	ConversationID chat.ConversationID `json:"conversation_id"`
	CallID         chat.CallID         `json:"call_id"`
	From           chat.DeviceID       `json:"from"`
	UserID         chat.UserID         `json:"user_id" doc:"whose device that is"`
	To             chat.DeviceID       `json:"to"`
	Signal         json.RawMessage     `json:"signal"`
}
