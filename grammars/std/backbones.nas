// Backbones that spaces share: from "std/backbones.nas" import resnet50, fpn

// He et al., CVPR 2016, with the stride on the 3x3 convolution.
block bottleneck(x, c, stride = 1, dilation = 1) {
  y = x >> conv_bn_relu(c, k = 1) >> conv_bn_relu(c, k = 3, stride = stride, dilation = dilation) >> conv_bn(4*c, k = 1)
  return sum(y, x if stride == 1 and channels(x) == 4*c else x >> conv_bn(4*c, k = 1, stride = stride)) >> relu()
}

// The maps at 1/4, 1/8, 1/16 and 1/32. Output stride 16 leaves the stride of the last stage out and dilates its 3x3
// convolutions instead, all but the first.
block resnet50(image, output_stride = 32) {
  y[1] = image >> conv_bn_relu(64, k = 7, stride = 2) >> max_pool(k = 3, stride = 2)
  for (s, c, n, stride) in { (2, 64, 3, 1), (3, 128, 4, 2), (4, 256, 6, 2), (5, 512, 3, output_stride/16) } {
    z[s, 0] = y[s-1]
    for i in 1..=n {
      z[s, i] = bottleneck(z[s, i-1], c, stride if i == 1 else 1, 2 if i > 1 and s == 5 and output_stride == 16 else 1)
    }
    y[s] = z[s, n]
  }
  return y[2], y[3], y[4], y[5]
}

// Feature pyramid of RetinaNet (Lin et al., ICCV 2017): from maps at 1/8, 1/16 and 1/32 five of c channels, to 1/128.
block fpn(c3, c4, c5, c) {
  t[5] = c5 >> conv(c, k = 1, bias = true)
  t[4] = sum(c4 >> conv(c, k = 1, bias = true), t[5] >> resize_like(c4))
  t[3] = sum(c3 >> conv(c, k = 1, bias = true), t[4] >> resize_like(c3))
  for l in 3..=5 { p[l] = t[l] >> conv(c, k = 3, bias = true) }
  p[6] = c5 >> conv(c, k = 3, stride = 2, bias = true)
  p[7] = p[6] >> relu() >> conv(c, k = 3, stride = 2, bias = true)
  return p[3], p[4], p[5], p[6], p[7]
}
