package socketio

import "sync"

// pool runs jobs on at most limit goroutines; at most queue more wait. It has no
// goroutine while there is nothing to do.
type pool struct {
	limit, queue int

	mu      sync.Mutex
	running int
	waiting []func()
	idle    sync.WaitGroup
}

// run takes a job, or reports that there is no place for it.
func (p *pool) run(job func()) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running < p.limit {
		p.running++
		p.idle.Go(func() { p.work(job) })
		return true
	}
	if len(p.waiting) >= p.queue {
		return false
	}
	p.waiting = append(p.waiting, job)
	return true
}

func (p *pool) work(job func()) {
	for job != nil {
		job()
		job = p.next()
	}
}

// next returns the job to do, or nil when the goroutine is not needed any more.
func (p *pool) next() func() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiting) == 0 {
		p.running--
		p.waiting = nil
		return nil
	}
	job := p.waiting[0]
	p.waiting[0] = nil
	p.waiting = p.waiting[1:]
	return job
}
