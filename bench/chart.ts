/** The inbound contenders as a picture: requests a second, and CPU time for a request. */
import { BarChart, type BarSeriesOption } from "echarts/charts";
import { GridComponent, TitleComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { printNumber } from "./measurement/print-number.ts";
import type { Report } from "./report.ts";
import { INGRESS_NAMES } from "./suites/inbound/ingresses.ts";

const WIDTH = 960;
const [TITLE_HEIGHT, CAPTION_HEIGHT, BAR_HEIGHT] = [76, 64, 34];
const NAMES_WIDTH = 300;
const [LEFT_WIDTH, RIGHT_WIDTH, GAP] = [250, 150, 100];
const [OURS, OTHERS, TEXT, QUIET] = ["#0b6e4f", "#9aa5b1", "#1f2933", "#616e7c"];
const CUT_OPACITY = 0.4;
const FONT = "system-ui, sans-serif";

use([BarChart, GridComponent, TitleComponent, SVGRenderer]);

interface Bar {
  name: string;
  /** `undefined` where it cannot be measured */
  value: number | undefined;
  label: string;
  /** The bar is shorter than its value */
  isCut?: boolean;
}

/** @returns SVG of the first block of the report, which is the inbound suite's */
export function drawInbound(report: Report): string {
  const operation = report.contenders[0]?.operation ?? "";
  // The topmost is the last one of a category axis.
  const contenders = report.contenders.filter((contender) => contender.operation === operation).reverse();
  const rates = contenders.map(({ name, summary: { perSecond, ratio } }): Bar => {
    return { name, value: perSecond.median, label: `${printNumber(perSecond.median)}  (${printNumber(ratio, 2)})` };
  });
  const times = drawTimes(contenders);
  const height = TITLE_HEIGHT + CAPTION_HEIGHT + BAR_HEIGHT * contenders.length;
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height });
  chart.setOption({
    animation: false,
    backgroundColor: "#ffffff",
    textStyle: { fontFamily: FONT, color: TEXT },
    title: [...describeTitles(operation, report), ...describeCaption(report, height)],
    grid: [describeGrid(NAMES_WIDTH, LEFT_WIDTH), describeGrid(NAMES_WIDTH + LEFT_WIDTH + GAP, RIGHT_WIDTH)],
    xAxis: [0, 1].map((gridIndex) => ({ gridIndex, type: "value", show: false, min: 0 })),
    yAxis: [rates, times].map((bars, gridIndex) => ({
      gridIndex,
      type: "category",
      data: bars.map(({ name }) => name),
      axisLine: { show: false },
      axisTick: { show: false },
      axisLabel: { show: gridIndex === 0, fontSize: 13, color: TEXT },
    })),
    series: [rates, times].map(describeBars),
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

/** wrangler dev runs the worker too, and would make all other bars short: its own is cut to the longest of them. */
function drawTimes(contenders: Report["contenders"]): Bar[] {
  const timeOf = ({ summary }: Report["contenders"][number]) => summary.cpuMicroseconds.front;
  const isProxy = ({ name }: { name: string }) => name !== INGRESS_NAMES.wrangler;
  const longest = Math.max(...contenders.filter(isProxy).map((contender) => timeOf(contender) ?? 0));
  return contenders.map((contender) => {
    const { name } = contender;
    const value = timeOf(contender);
    if (value === undefined) return { name, value, label: "–" };
    const isCut = value > longest;
    const label = `${printNumber(value)} µs${isCut ? ", cut off" : ""}`;
    return { name, value: Math.min(value, longest), label, isCut };
  });
}

function describeGrid(left: number, width: number): object {
  return { left, width, top: TITLE_HEIGHT, bottom: CAPTION_HEIGHT };
}

function describeBars(bars: readonly Bar[], index: number): BarSeriesOption {
  return {
    type: "bar",
    xAxisIndex: index,
    yAxisIndex: index,
    barWidth: "62%",
    data: bars.map(({ name, value, label, isCut }) => ({
      value: value ?? 0,
      itemStyle: { color: name === INGRESS_NAMES.edge ? OURS : OTHERS, opacity: isCut ? CUT_OPACITY : 1 },
      label: { show: true, position: "right", formatter: label, fontSize: 12, color: TEXT },
    })),
  };
}

function describeTitles(operation: string, { contenders }: Report): object[] {
  const first = contenders[0]?.name ?? "";
  const column = (text: string, left: number) => ({
    text,
    left,
    top: 46,
    textStyle: { fontSize: 13, fontWeight: "normal", color: QUIET },
  });
  return [
    { text: `Clients with certificates: ${operation}`, left: 16, top: 12, textStyle: { fontSize: 16, color: TEXT } },
    column(`requests a second (ratio to ${first})`, NAMES_WIDTH),
    column("CPU time for a request", NAMES_WIDTH + LEFT_WIDTH + GAP),
  ];
}

function describeCaption({ machine, startedAt, conditions }: Report, height: number): object[] {
  const versions = conditions.filter((condition) => /^(nginx\/|HAProxy version)/.test(condition));
  const lines = [`${startedAt.slice(0, 10)}: ${machine}`, `${conditions[0]}. ${versions.join(", ")}`];
  const textStyle = { fontSize: 11, fontWeight: "normal", color: QUIET };
  return lines.map((text, index) => ({ text, left: 16, top: height - CAPTION_HEIGHT + 16 + index * 18, textStyle }));
}
