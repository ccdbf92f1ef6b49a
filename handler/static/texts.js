// Every text of the page, in English and Chinese; `text` gives one in the language of the day.

import { preferredLanguage, rememberLanguage } from "./preferences.js";

const TEXTS = {
  en: {
    title: "Clothes classifier",
    headline: "Which piece of clothing is it?",
    intro: "Show a picture. A small neural network says which of ten kinds of clothing it is, how sure it is of that, and where it looked.",
    choose: "Choose pictures",
    photograph: "Take a photo",
    ways: "or drop them anywhere, or paste them",
    try: "Or try one of these",
    tShirt: "T-shirt", trousers: "Trousers", dress: "Dress", bag: "Bag",
    sneaker: "Sneaker", boot: "Ankle boot", hat: "Hat", mug: "Mug",
    kinds: "The ten kinds that it knows",
    results: "Results",
    clear: "Clear all",
    docs: "API",
    model: "About the model",
    dark: "Dark colours",
    announcements: "What happened",
    waiting: "Waiting for its turn",
    working: "Looking",
    slow: "Still at it: the server may just be waking up",
    uploading: "A large picture: it takes a longer way",
    sure: "{percent} sure",
    none: "Not one of my ten kinds",
    noneRemark: "It seems to be something else. The bars show the nearest guesses.",
    picture: "The picture {name}",
    pixels: "The 28 by 28 grey pixels that the model saw",
    seen: "What the model sees: 28\u00a0×\u00a028 grey pixels.",
    look: "Where it looked",
    legend: "{kind}: the brighter, the more this part spoke for it.",
    undisplayable: "This browser cannot show this kind of picture. The model can read it.",
    inference: "Model {time}", server: "server {time}", roundTrip: "round trip {time}", cold: "cold start {time}",
    copy: "Copy",
    copied: "Copied",
    copyLabel: "Copy the curl command for {name}",
    copyFailed: "The browser does not let this page copy. The command is selected: copy it with the keyboard.",
    remove: "Remove {name}",
    again: "Try again",
    removed: "{name} is removed.",
    cleared: "All results are removed.",
    announce: "{name}: {verdict}. {remark}", announceUnknown: "{name}: {verdict}. The nearest guesses: {kinds}.",
    noPicturePasted: "There is no picture on the clipboard.",
    noPictureDropped: "That was no file. Save the picture first, then drop it here.",
    failed: "That did not work",
    away: "The server does not answer, so {name} is still unseen. Is the network up?",
    busy: "Too many requests at the moment, so {name} has to wait. Try again in a little while.",
    trouble: "The server stumbled over {name}. That is not your fault.",
    odd: "What came back for {name} is no answer of this service. Perhaps a proxy stands in between.",
    late: "{name} was taken in, but its result does not come.",
    refused: "The server refused {name}: {detail}",
    unreadable: "{name} cannot be read. Is it a folder, or was it moved?",
    empty: "{name} is empty.",
    notAnImage: "{name} is not a picture that can be read here. PNG, JPEG, WebP, GIF, BMP, TIFF and AVIF can.",
    brokenImage: "{name} is damaged or incomplete.",
    tooLarge: "{name} is too large a file. Make it smaller, and try again.",
    tooManyPixels: "{name} has too many pixels. Make it smaller, and try again.",
    requestId: "Request {id}",
  },
  zh: {
    title: "服装分类器",
    headline: "这是哪一种衣物？",
    intro: "给一张图片，一个小型神经网络会告诉您：它属于十类衣物中的哪一类，有多大把握，以及它看了哪里。",
    choose: "选择图片",
    photograph: "拍一张照片",
    ways: "也可以拖到页面任意位置，或直接粘贴",
    try: "或者试试这些图片",
    tShirt: "T恤", trousers: "裤子", dress: "连衣裙", bag: "包",
    sneaker: "运动鞋", boot: "踝靴", hat: "帽子", mug: "杯子",
    kinds: "它认识的十类衣物",
    results: "结果",
    clear: "全部清除",
    docs: "接口文档",
    model: "关于模型",
    dark: "深色模式",
    announcements: "进展",
    waiting: "排队中",
    working: "识别中",
    slow: "仍在识别：服务器可能刚刚启动",
    uploading: "图片较大，改用另一条通道上传",
    sure: "把握 {percent}",
    none: "不属于这十类衣物",
    noneRemark: "看起来是别的东西。下面是最接近的猜测。",
    picture: "图片 {name}",
    pixels: "模型看到的 28×28 灰度像素",
    seen: "模型看到的：28\u00a0×\u00a028 个灰度像素。",
    look: "它看了哪里",
    legend: "{kind}：越亮的部分，越支持这一判断。",
    undisplayable: "浏览器无法显示这种图片，但模型可以读取。",
    inference: "模型 {time}", server: "服务器 {time}", roundTrip: "往返 {time}", cold: "冷启动 {time}",
    copy: "复制",
    copied: "已复制",
    copyLabel: "复制 {name} 的 curl 命令",
    copyFailed: "浏览器不允许本页复制。命令已选中，请用键盘复制。",
    remove: "移除 {name}",
    again: "再试一次",
    removed: "已移除 {name}。",
    cleared: "已清除全部结果。",
    announce: "{name}：{verdict}。{remark}", announceUnknown: "{name}：{verdict}。最接近的猜测：{kinds}。",
    noPicturePasted: "剪贴板里没有图片。",
    noPictureDropped: "拖来的不是文件。请先保存图片，再拖到这里。",
    failed: "没有成功",
    away: "服务器没有回应，{name} 还没有识别。请检查网络。",
    busy: "目前请求太多，{name} 需要等一等。请稍后再试。",
    trouble: "服务器处理 {name} 时出错了，不是您的问题。",
    odd: "{name} 得到的回复不是本服务的答案，中间可能有代理服务器。",
    late: "{name} 已经上传，但一直没有结果。",
    refused: "服务器拒绝了 {name}：{detail}",
    unreadable: "无法读取 {name}。它是文件夹，或者已被移动？",
    empty: "{name} 是空文件。",
    notAnImage: "{name} 不是可以识别的图片。支持 PNG、JPEG、WebP、GIF、BMP、TIFF 和 AVIF。",
    brokenImage: "{name} 已损坏，或不完整。",
    tooLarge: "{name} 文件太大，请缩小后再试。",
    tooManyPixels: "{name} 的像素太多，请缩小后再试。",
    requestId: "请求编号 {id}",
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

/** The text of this key; each {name} in it is replaced by the value of that name. */
export function text(key, values = {}) {
  return TEXTS[language][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

/** Puts the texts of the day where `data-text` and `data-label` below `root` name them. */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
  for (const element of root.querySelectorAll("[data-label]")) element.ariaLabel = text(element.dataset.label);
}

/** A share as a percentage. No score is 0 or 1, so none is shown as if it were. */
export function percent(share) {
  const format = new Intl.NumberFormat(TAGS[language], { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
  if (share > 0.9995) return `> ${format.format(0.999)}`;
  return share < 0.0005 ? `< ${format.format(0.001)}` : format.format(share);
}

export function duration(milliseconds) {
  if (milliseconds >= 1000) return `${(milliseconds / 1000).toFixed(1)} s`;
  return `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;
}
