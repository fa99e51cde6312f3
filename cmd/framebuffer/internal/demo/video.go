package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// videoPictures reads the first frames of a video with ffmpeg.
func videoPictures(ctx context.Context, file string) ([]Picture, error) {
	// -vf fits the video into the frame as fit does for pictures.
	cmd := exec.CommandContext(ctx, "ffmpeg", "-v", "error", "-nostdin", "-i", file,
		"-frames:v", fmt.Sprint(maxPictures), "-vf",
		fmt.Sprintf("scale=%[1]d:%[2]d:force_original_aspect_ratio=decrease,pad=%[1]d:%[2]d:(ow-iw)/2:(oh-ih)/2", Width, Height),
		"-f", "rawvideo", "-pix_fmt", "rgb24", "-")
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, fmt.Errorf("pictures: %s is not a folder, and reading it as a video needs ffmpeg (apt install ffmpeg): %w", file, err)
	}
	if err != nil {
		return nil, fmt.Errorf("pictures: ffmpeg cannot read %s: %w: %s", file, err, strings.TrimSpace(complaint.String()))
	}
	all := split(out)
	if len(all) == 0 {
		return nil, fmt.Errorf("pictures: %s has no video frames", file)
	}
	return all, nil
}
