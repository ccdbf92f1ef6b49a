// The page's texts in English and Chinese; numbers formatted for the current language.

import { preferredLanguage, rememberLanguage } from "./preferences.js";

const TEXTS = {
  en: {
    title: "Clothes classifier",
    headline: "What kind of clothing is it?",
    intro: "Upload an image, and a small neural network finds which of ten classes of clothing it shows. "
      + "You also see how confident it is, and which areas of the image mattered most.",
    choose: "Choose images",
    camera: "Take a photo",
    dropHint: "or drop or paste them anywhere",
    samples: "Or try one of these",
    tShirt: "T-shirt", trousers: "Trousers", dress: "Dress", bag: "Bag",
    sneaker: "Sneaker", boot: "Ankle boot", hat: "Hat", mug: "Mug",
    classes: "The ten classes",
    results: "Results",
    clear: "Clear all",
    docs: "API docs",
    model: "About the model",
    dark: "Dark mode",
    announcements: "Status messages",
    waiting: "Queued",
    working: "Classifying…",
    slow: "Still classifying; the server may be starting up",
    uploading: "Uploading a large image…",
    confidence: "{percent} confidence",
    unknown: "None of the ten classes",
    unknownMessage: "This is probably something else. The bars show the closest classes.",
    preview: "Preview of {name}",
    pixels: "Model input: 28 by 28 greyscale pixels",
    modelInput: "Model input: 28\u00a0×\u00a028 greyscale pixels",
    heatmap: "Heat map",
    legend: "{label}: brighter areas contributed more to this class.",
    noPreview: "This browser cannot display the image. The model can read it.",
    inference: "Model {time}", server: "server {time}", roundTrip: "round trip {time}", cold: "cold start {time}",
    copy: "Copy",
    copied: "Copied",
    copyLabel: "Copy the curl command for {name}",
    copyFailed: "The browser did not allow copying. The command is selected; copy it with the keyboard.",
    remove: "Remove {name}",
    retry: "Try again",
    removed: "{name} removed.",
    cleared: "All results removed.",
    summary: "{name}: {title}. {message}", unknownSummary: "{name}: {title}. Closest classes: {labels}.",
    noImagePasted: "There is no image on the clipboard.",
    noFileDropped: "That was not a file. Save the image first, then drop it here.",
    failed: "Classification failed",
    noResponse: "No response from the server for {name}. Check your network connection.",
    tooManyRequests: "Too many requests at the moment. Try {name} again in a little while.",
    serverError: "The server failed to process {name}. The image is not the cause.",
    unexpectedResponse: "Unexpected response for {name}. It may come from a proxy in between.",
    timedOut: "{name} was uploaded, but there is no result yet: timed out.",
    rejected: "The server rejected {name}: {detail}",
    unreadable: "{name} cannot be read. It may be a folder, or it was moved.",
    empty: "{name} is empty.",
    notAnImage: "{name} is not a supported image. Supported formats: PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF, HEIC.",
    brokenImage: "{name} is damaged or incomplete.",
    tooLarge: "The file {name} is too large. Reduce its size and try again.",
    tooManyPixels: "{name} has too many pixels. Reduce its size and try again.",
    requestId: "Request ID: {id}",
  },
  zh: {
    title: "服装分类器",
    headline: "这是哪一类衣物？",
    intro: "上传一张图片，小型神经网络会判断它属于十类衣物中的哪一类，并显示置信度，以及图片中哪些区域最关键。",
    choose: "选择图片",
    camera: "拍照",
    dropHint: "也可以拖放或粘贴到页面任意位置",
    samples: "或者试试这些示例",
    tShirt: "T恤", trousers: "裤子", dress: "连衣裙", bag: "包",
    sneaker: "运动鞋", boot: "踝靴", hat: "帽子", mug: "杯子",
    classes: "十个类别",
    results: "结果",
    clear: "全部清除",
    docs: "API 文档",
    model: "关于模型",
    dark: "深色模式",
    announcements: "状态消息",
    waiting: "排队中",
    working: "识别中…",
    slow: "仍在识别，服务器可能正在启动",
    uploading: "图片较大，正在上传…",
    confidence: "置信度 {percent}",
    unknown: "不属于这十个类别",
    unknownMessage: "可能是其他物品。下面是最接近的类别。",
    preview: "{name} 的预览",
    pixels: "模型输入：28×28 灰度像素",
    modelInput: "模型输入：28\u00a0×\u00a028\u00a0灰度像素",
    heatmap: "热力图",
    legend: "{label}：越亮的区域，对该类别的贡献越大。",
    noPreview: "浏览器无法显示这张图片，但模型可以读取。",
    inference: "模型 {time}", server: "服务器 {time}", roundTrip: "往返 {time}", cold: "冷启动 {time}",
    copy: "复制",
    copied: "已复制",
    copyLabel: "复制 {name} 的 curl 命令",
    copyFailed: "浏览器不允许复制。命令已选中，请用键盘复制。",
    remove: "移除 {name}",
    retry: "重试",
    removed: "已移除 {name}。",
    cleared: "已清除全部结果。",
    summary: "{name}：{title}。{message}", unknownSummary: "{name}：{title}。最接近的类别：{labels}。",
    noImagePasted: "剪贴板中没有图片。",
    noFileDropped: "拖入的不是文件。请先保存图片，再拖到这里。",
    failed: "识别失败",
    noResponse: "服务器没有响应，{name} 未能识别。请检查网络连接。",
    tooManyRequests: "当前请求过多，请稍后重试 {name}。",
    serverError: "服务器处理 {name} 时出错，与图片本身无关。",
    unexpectedResponse: "{name} 的响应不符合预期，可能来自中间的代理服务器。",
    timedOut: "{name} 已上传，但尚无结果：已超时。",
    rejected: "服务器拒绝了 {name}：{detail}",
    unreadable: "无法读取 {name}。它可能是文件夹，或已被移动。",
    empty: "{name} 是空文件。",
    notAnImage: "{name} 不是支持的图片。支持的格式：PNG、JPEG、WebP、GIF、BMP、TIFF、AVIF、HEIC。",
    brokenImage: "{name} 已损坏或不完整。",
    tooLarge: "文件 {name} 太大，请缩小后重试。",
    tooManyPixels: "{name} 的像素太多，请缩小后重试。",
    requestId: "请求 ID：{id}",
  },
};

const TAGS = { en: "en", zh: "zh-CN" };
let language = preferredLanguage();
document.documentElement.lang = TAGS[language];

export const isChinese = () => language === "zh";

export function switchLanguage() {
  language = isChinese() ? "en" : "zh";
  document.documentElement.lang = TAGS[language];
  rememberLanguage(language);
}

/** The text of this key; each {name} in it is replaced by `values[name]`. */
export function text(key, values = {}) {
  return TEXTS[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** Fills the elements below `root` whose `data-text` or `data-label` is a key of the texts. */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
  for (const element of root.querySelectorAll("[data-label]")) element.ariaLabel = text(element.dataset.label);
}

/** A score as a percentage. No score is exactly 0 or 1, so none is displayed as 0% or 100%. */
export function percent(score) {
  const format = new Intl.NumberFormat(TAGS[language], { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
  if (score > 0.9995) return `> ${format.format(0.999)}`;
  return score < 0.0005 ? `< ${format.format(0.001)}` : format.format(score);
}

export function duration(milliseconds) {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(1)}\u00a0s`;
  return `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)}\u00a0ms`;
}
