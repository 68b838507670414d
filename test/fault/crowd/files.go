package crowd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"sync"
	"time"

	"github.com/parley-chat/parley/internal/program"
	"github.com/parley-chat/parley/test/fault/history"
)

const (
	maxFile = 8 << 10
	// filePromise is how long after its message a file may be missing: as long as
	// anything may be after a fault.
	filePromise = 10 * time.Second
	filePause   = 200 * time.Millisecond
)

// files are the uploads of the crowd and what was in them.
type files struct {
	mu   sync.Mutex
	sums map[string]uint64
	sent map[string]string // the last one of each conversation
}

func (f *files) put(id, conversation string, sum uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sums == nil {
		f.sums, f.sent = map[string]uint64{}, map[string]string{}
	}
	f.sums[id], f.sent[conversation] = sum, id
}

func (f *files) sum(id string) uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sums[id]
}

func (f *files) of(conversation string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sent[conversation]
}

// file uploads a file and sends it.
func (d *device) file(ctx context.Context, rng *rand.Rand, id string, _ *room) {
	data := make([]byte, 1+rng.IntN(maxFile))
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	file, err := upload(ctx, d.crowd.api(rng).As(d.person.login), data)
	if err != nil {
		return // faults are at work
	}
	d.crowd.files.put(file, id, history.Hash(string(data)))
	d.say(rng, id, 0, file)
}

func upload(ctx context.Context, api program.API, data []byte) (id string, err error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "noise.bin")
	if err == nil {
		_, err = part.Write(data)
	}
	if err == nil {
		err = form.Close()
	}
	if err != nil {
		return "", fmt.Errorf("upload: %w", err)
	}
	answer, err := raw(ctx, api, http.MethodPost, "/files", form.FormDataContentType(), &body)
	if err != nil {
		return "", err
	}
	var file history.File
	if err := json.Unmarshal(answer, &file); err != nil {
		return "", fmt.Errorf("upload: %w", err)
	}
	return file.ID, nil
}

// raw is a request whose bodies are no JSON. An answer other than 2xx is a *program.StatusError.
func raw(ctx context.Context, api program.API, method, path, contentType string, body io.Reader) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, api.URL+"/api/v1"+path, body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	req.Header.Set("Authorization", "Bearer "+api.Token)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := api.Client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if res.StatusCode/100 != 2 {
		return nil, fmt.Errorf("%s %s: %w", method, path, &program.StatusError{Status: res.StatusCode, Body: answer})
	}
	return answer, nil
}

// fetchFiles has about two of a message's readers fetch its files. mu is held.
func (d *device) fetchFiles(r *room, e *history.Entry) {
	if len(e.Files) == 0 || rand.IntN(len(r.cv.members)) > 0 {
		return
	}
	h := d.crowd.History()
	d.crowd.work.Go(func() { d.crowd.fetchFile(h, d.person, e) })
}

// fetchFile reads a file until it is there, and notes when it does not come or is another.
func (c *Crowd) fetchFile(h *history.History, p *person, e *history.Entry) {
	rng := rand.New(rand.NewPCG(c.opt.Seed, rand.Uint64()))
	began := time.Now()
	for {
		err := c.readFile(p, rng, h, e)
		if err == nil {
			c.stats.Files.Add(1)
			return
		}
		if float64(time.Since(began)) > float64(filePromise)*c.opt.Patience {
			if program.Status(err) == http.StatusNotFound {
				h.Unread(p.login.User.ID, e.Conversation, e.Seq, err.Error())
			}
			return // else: whether anything is answered is looked at elsewhere
		}
		select {
		case <-c.over:
			return
		case <-time.After(filePause):
		}
	}
}

// readFile reads the files of a message, and notes what is not what was sent.
func (c *Crowd) readFile(p *person, rng *rand.Rand, h *history.History, e *history.Entry) error {
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	for _, f := range e.Files {
		data, err := raw(ctx, c.api(rng).As(p.login), http.MethodGet, "/files/"+f.ID, "", http.NoBody)
		if err != nil {
			return err
		}
		if int64(len(data)) != f.Size || history.Hash(string(data)) != c.files.sum(f.ID) {
			h.Note("dangling", e.Conversation, fmt.Sprintf("the file of message %d has %d bytes that are not those of %d that were uploaded", e.Seq, len(data), f.Size), e.String())
		}
	}
	return nil
}
