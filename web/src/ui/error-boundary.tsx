import { Component, type ErrorInfo, type ReactNode } from "react";

interface Props {
  /** What is shown instead; `reset` tries again. */
  fallback: (reset: () => void) => ReactNode;
  /** The boundary tries again by itself when this changes. */
  resetKey?: string;
  children: ReactNode;
}
interface State {
  broken: boolean;
  resetKey: string | undefined;
}

/** Keeps an error in one part of the page from taking the rest down. */
export class ErrorBoundary extends Component<Props, State> {
  override state: State = { broken: false, resetKey: this.props.resetKey };

  static getDerivedStateFromError(): Partial<State> {
    return { broken: true };
  }

  static getDerivedStateFromProps(props: Props, state: State): Partial<State> | null {
    return props.resetKey === state.resetKey ? null : { broken: false, resetKey: props.resetKey };
  }

  override componentDidCatch(error: Error, info: ErrorInfo): void {
    console.error(error, info.componentStack);
  }

  override render(): ReactNode {
    if (!this.state.broken) return this.props.children;
    return this.props.fallback(() => {
      this.setState({ broken: false });
    });
  }
}
